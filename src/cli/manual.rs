//! `man` and `completions`: what packages install beside the binary, made from the command line's own definitions.

use anyhow::Result;
use clap::Command;
use clap_complete::Shell;

use super::output::print;

/// The name of the binary.
const NAME: &str = "flowmatix-graphql";

#[derive(clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn completions(arguments: &CompletionsArgs, mut command: Command) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, NAME, &mut script);
    print(&String::from_utf8(script)?)
}

/// One page: the command, then each of its commands.
pub(super) fn man(command: Command) -> Result<()> {
    let mut page = Vec::new();
    let commands: Vec<Command> = command.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    clap_mangen::Man::new(command).render(&mut page)?;
    for command in commands {
        let name = format!("{NAME} {}", command.get_name());
        let man = clap_mangen::Man::new(command.display_name(name));
        man.render_name_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    print(&String::from_utf8(page)?)
}
