//! A document as a syntax tree that may also be invalid, and its tokens.

/// A value. A scalar or enum value is kept as its token.
#[derive(Clone, Debug)]
pub enum Value {
    Variable(String),
    Token(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

pub type Arguments = Vec<(String, Value)>;

#[derive(Clone, Debug)]
pub struct Directive {
    pub name: String,
    pub arguments: Arguments,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub alias: Option<String>,
    pub name: String,
    pub arguments: Arguments,
    pub directives: Vec<Directive>,
    pub below: Option<Vec<Selection>>,
}

#[derive(Clone, Debug)]
pub enum Selection {
    Field(Field),
    Inline { on: Option<String>, directives: Vec<Directive>, below: Vec<Selection> },
    Spread { name: String, directives: Vec<Directive> },
}

#[derive(Clone, Debug)]
pub struct VariableDefinition {
    pub description: Option<String>,
    pub name: String,
    pub kind: String,
    pub default: Option<Value>,
    pub directives: Vec<Directive>,
}

#[derive(Clone, Debug)]
pub struct Operation {
    pub description: Option<String>,
    /// `query`, `mutation` or `subscription`; `None` for the shorthand form.
    pub keyword: Option<String>,
    pub name: Option<String>,
    pub variables: Vec<VariableDefinition>,
    pub directives: Vec<Directive>,
    pub below: Vec<Selection>,
}

#[derive(Clone, Debug)]
pub struct Fragment {
    pub description: Option<String>,
    pub name: String,
    pub on: String,
    pub directives: Vec<Directive>,
    pub below: Vec<Selection>,
}

#[derive(Clone, Debug)]
pub enum Definition {
    Operation(Operation),
    Fragment(Fragment),
    /// Any other definition: tokens separated by spaces.
    Other(String),
}

#[derive(Clone, Debug, Default)]
pub struct Document {
    pub definitions: Vec<Definition>,
}

impl Document {
    pub fn tokens(&self) -> Vec<String> {
        let mut tokens = Tokens::default();
        for definition in &self.definitions {
            match definition {
                Definition::Operation(operation) => tokens.operation(operation),
                Definition::Fragment(fragment) => tokens.fragment(fragment),
                Definition::Other(text) => tokens.0.extend(text.split(' ').map(str::to_owned)),
            }
        }
        tokens.0
    }
}

#[derive(Default)]
struct Tokens(Vec<String>);

impl Tokens {
    fn push(&mut self, token: &str) {
        self.0.push(token.to_owned());
    }

    fn operation(&mut self, operation: &Operation) {
        self.0.extend(operation.description.clone());
        self.0.extend(operation.keyword.clone());
        self.0.extend(operation.name.clone());
        if !operation.variables.is_empty() {
            self.push("(");
            for variable in &operation.variables {
                self.0.extend(variable.description.clone());
                self.push("$");
                self.push(&variable.name);
                self.push(":");
                self.kind(&variable.kind);
                if let Some(default) = &variable.default {
                    self.push("=");
                    self.value(default);
                }
                self.directives(&variable.directives);
            }
            self.push(")");
        }
        self.directives(&operation.directives);
        self.set(&operation.below);
    }

    fn fragment(&mut self, fragment: &Fragment) {
        self.0.extend(fragment.description.clone());
        self.push("fragment");
        self.push(&fragment.name);
        self.push("on");
        self.push(&fragment.on);
        self.directives(&fragment.directives);
        self.set(&fragment.below);
    }

    fn kind(&mut self, kind: &str) {
        let mut name = String::new();
        for c in kind.chars() {
            if matches!(c, '[' | ']' | '!') {
                self.0.extend((!name.is_empty()).then(|| std::mem::take(&mut name)));
                self.push(c.encode_utf8(&mut [0; 4]));
            } else {
                name.push(c);
            }
        }
        self.0.extend((!name.is_empty()).then_some(name));
    }

    fn set(&mut self, set: &[Selection]) {
        self.push("{");
        for selection in set {
            match selection {
                Selection::Field(field) => self.field(field),
                Selection::Inline { on, directives, below } => {
                    self.push("...");
                    if let Some(on) = on {
                        self.push("on");
                        self.push(on);
                    }
                    self.directives(directives);
                    self.set(below);
                }
                Selection::Spread { name, directives } => {
                    self.push("...");
                    self.push(name);
                    self.directives(directives);
                }
            }
        }
        self.push("}");
    }

    fn field(&mut self, field: &Field) {
        if let Some(alias) = &field.alias {
            self.push(alias);
            self.push(":");
        }
        self.push(&field.name);
        self.arguments(&field.arguments);
        self.directives(&field.directives);
        if let Some(below) = &field.below {
            self.set(below);
        }
    }

    fn arguments(&mut self, arguments: &Arguments) {
        if arguments.is_empty() {
            return;
        }
        self.push("(");
        self.pairs(arguments);
        self.push(")");
    }

    fn pairs(&mut self, pairs: &[(String, Value)]) {
        for (name, value) in pairs {
            self.push(name);
            self.push(":");
            self.value(value);
        }
    }

    fn directives(&mut self, directives: &[Directive]) {
        for directive in directives {
            self.push("@");
            self.push(&directive.name);
            self.arguments(&directive.arguments);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Variable(name) => {
                self.push("$");
                self.push(name);
            }
            Value::Token(token) => self.push(token),
            Value::List(values) => {
                self.push("[");
                values.iter().for_each(|value| self.value(value));
                self.push("]");
            }
            Value::Object(fields) => {
                self.push("{");
                self.pairs(fields);
                self.push("}");
            }
        }
    }
}
