//! The sample's accounts: invented companies, each with its own token, and one agency token for all of them.

/// The token for every account.
pub const AGENCY_TOKEN: &str = "demo-agency-token";

/// An account of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoAccount {
    /// The `email` parameter.
    pub email: &'static str,
    /// The `type` parameter.
    pub user_type: &'static str,
    /// How many members its team has.
    pub members: usize,
    /// The token for this account only.
    pub token: &'static str,
    /// The permanent token that is issued for it.
    pub permanent_token: &'static str,
}

/// All accounts; the first is the default account of `demo`.
pub const ACCOUNTS: [DemoAccount; 4] = [
    DemoAccount {
        email: "maya@lantern-books.example",
        user_type: "CUSTOMER",
        members: 12,
        token: "demo-lantern-token",
        permanent_token: "demo-lantern-permanent",
    },
    DemoAccount {
        email: "solo@quiet-harbor.example",
        user_type: "AGENT",
        members: 1,
        token: "demo-harbor-token",
        permanent_token: "demo-harbor-permanent",
    },
    DemoAccount {
        email: "ops@tall-pines.example",
        user_type: "CUSTOM_USER",
        members: 250,
        token: "demo-pines-token",
        permanent_token: "demo-pines-permanent",
    },
    DemoAccount {
        email: "team@brightline.example",
        user_type: "CUSTOMER",
        members: 10_000,
        token: "demo-bright-token",
        permanent_token: "demo-bright-permanent",
    },
];

/// Why a call gets no team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTeam {
    /// The token is unknown.
    UnknownToken,
    /// The token is for another account.
    OtherAccount,
    /// There is no such account.
    UnknownAccount,
}

/// The index of the account, if this token may read it.
pub(super) fn open(token: &str, email: &str, user_type: &str) -> Result<usize, NoTeam> {
    let own = ACCOUNTS.iter().position(|account| [account.token, account.permanent_token].contains(&token));
    if own.is_none() && token != AGENCY_TOKEN {
        return Err(NoTeam::UnknownToken);
    }
    let asked =
        ACCOUNTS.iter().position(|account| account.email.eq_ignore_ascii_case(email) && account.user_type == user_type);
    match (own, asked) {
        (None, Some(asked)) => Ok(asked),
        (Some(own), Some(asked)) if own == asked => Ok(asked),
        (Some(_), _) => Err(NoTeam::OtherAccount),
        (None, None) => Err(NoTeam::UnknownAccount),
    }
}
