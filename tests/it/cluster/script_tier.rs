//! A tier in memory that runs the real scripts, with a clock that tests set, and copies that lag.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use mlua::{Function, Lua, Table, Value, Variadic};

type Data = HashMap<String, HashMap<String, String>>;

#[derive(Default)]
pub struct Store {
    pub data: Data,
    /// The server's wall clock, in milliseconds.
    pub wall: i64,
    run: u64,
}

pub struct ScriptTier {
    pub store: Rc<RefCell<Store>>,
    lua: Lua,
    script: Function,
}

impl ScriptTier {
    /// A tier that runs this script.
    pub fn new(script: &str, wall: i64) -> Self {
        let store = Rc::new(RefCell::new(Store { wall, ..Store::default() }));
        let lua = Lua::new();
        let shared = store.clone();
        let call = move |lua: &Lua, arguments: Variadic<Value>| {
            let text = |at: usize| match arguments.get(at) {
                Some(value) => value.to_string().unwrap(),
                None => String::new(),
            };
            let mut store = shared.borrow_mut();
            let list = |items: Vec<String>| lua.create_sequence_from(items).map(Value::Table);
            match text(0).as_str() {
                "TIME" => list(vec![(store.wall / 1000).to_string(), (store.wall.rem_euclid(1000) * 1000).to_string()]),
                "INFO" if text(1) == "server" => {
                    lua.create_string(format!("run_id:{:040x}\r\n", store.run)).map(Value::String)
                }
                "INFO" => lua.create_string("role:master\r\nconnected_slaves:1\r\n").map(Value::String),
                "HGETALL" => {
                    let hash = store.data.get(&text(1)).cloned().unwrap_or_default();
                    list(hash.into_iter().flat_map(|(field, value)| [field, value]).collect())
                }
                "HSET" => {
                    let hash = store.data.entry(text(1)).or_default();
                    for at in (2..arguments.len()).step_by(2) {
                        hash.insert(text(at), text(at + 1));
                    }
                    Ok(Value::Nil)
                }
                "HDEL" => {
                    let hash = store.data.entry(text(1)).or_default();
                    for at in 2..arguments.len() {
                        hash.remove(&text(at));
                    }
                    Ok(Value::Nil)
                }
                "PEXPIRE" => Ok(Value::Nil),
                other => panic!("the script calls {other}"),
            }
        };
        let redis = lua.create_table().unwrap();
        redis.set("call", lua.create_function(call).unwrap()).unwrap();
        lua.globals().set("redis", redis).unwrap();
        let (shebang, code) = script.split_once('\n').unwrap();
        assert!(shebang.starts_with("#!lua"));
        let script = lua.load(code).into_function().unwrap();
        // A server lets scripts set no globals.
        let no_globals = "setmetatable(_G, { __newindex = function(t, name, value)
            if name ~= 'KEYS' and name ~= 'ARGV' then error('a global: ' .. name) end
            rawset(t, name, value)
        end })";
        lua.load(no_globals).exec().unwrap();
        Self { store, lua, script }
    }

    pub fn run(&self, arguments: &[String], ledger: bool) -> Vec<String> {
        let keys = if ledger { vec!["state", "ledger"] } else { vec!["state"] };
        let globals = self.lua.globals();
        globals.set("KEYS", keys).unwrap();
        globals.set("ARGV", arguments.to_vec()).unwrap();
        let reply: Table = self.script.call(()).unwrap();
        reply.sequence_values::<String>().map(|part| part.unwrap()).collect()
    }

    /// Another server process, with this data.
    pub fn restart(&self, data: Data) {
        let mut store = self.store.borrow_mut();
        store.data = data;
        store.run += 1;
    }
}
