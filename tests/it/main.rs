//! One test binary; a module is a topic.
