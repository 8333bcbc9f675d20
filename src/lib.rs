//! A GraphQL service layer in front of the Flowmatix team-members endpoint.
