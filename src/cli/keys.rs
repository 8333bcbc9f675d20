//! `keys`: makes API keys for mode `api-keys`, and the keys that a cluster seals records with.

use anyhow::Result;
use secrecy::ExposeSecret;

use crate::auth::NewKey;
use crate::cluster::{Cipher, new_keys_file};
use crate::model::Scopes;

#[derive(clap::Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key. Its entry for auth.keys_file goes to standard output, the key itself, this once, to standard error.
    New(New),
    /// Make a file of keys for cluster.key_file, with one key of this name. It goes to standard output.
    Cluster {
        /// The key's name: 1 to 32 letters, digits, `-` and `_`.
        #[arg(default_value = "1")]
        id: String,
    },
}

#[derive(clap::Args)]
pub(super) struct New {
    /// The key's name: 1 to 40 lower-case letters, digits and dashes.
    name: String,
    /// An account that it may read, such as CUSTOMER:maya@lantern-books.example; the default account where there is none.
    /// Can be given again.
    #[arg(long, value_name = "TYPE:EMAIL")]
    account: Vec<String>,
    /// Whether it may read contact data, too (team:contact:read).
    #[arg(long)]
    contact: bool,
    /// Whether it may issue permanent tokens of Flowmatix (team:token:issue; see tokens.enabled).
    #[arg(long)]
    token: bool,
}

pub(super) fn run(command: &KeysCommand) -> Result<()> {
    let new = match command {
        KeysCommand::New(new) => new,
        KeysCommand::Cluster { id } => {
            let file = new_keys_file(id).map_err(|problem| anyhow::anyhow!("{problem}"))?;
            // As it will be read.
            Cipher::read(&file).map_err(|problem| anyhow::anyhow!("{problem}"))?;
            say!("{file}");
            return Ok(());
        }
    };
    let scopes = Scopes { team: true, contact: new.contact, token: new.token };
    let made = NewKey::make(&new.name, &new.account, scopes)?;
    say!("{}", made.entry);
    eprintln!(
        "The key of `{}`, which is kept nowhere and not shown again:\n\n{}\n",
        new.name,
        made.key.expose_secret()
    );
    Ok(())
}
