//! Holds a tree against the JSON Schema of the configuration: types, ranges, formats, keys. All faults at once.
//!
//! The schema is made from the types, so what is checked, what editors are told and what is read cannot drift apart. What
//! is good comes out as a JSON value; a bad value that may be left out is left out, so that the rest can still be checked.

use serde_json::{Map, Value as Json, json};

use super::error::quoted;
use super::format;
use super::tree::{Fault, Node, Place, Value};

pub(super) struct Shape<'a> {
    root: &'a Json,
    faults: &'a mut Vec<Fault>,
    /// Things of a list could not be read at all, so that what others say of them cannot be checked.
    pub partial: bool,
}

impl<'a> Shape<'a> {
    pub const fn new(root: &'a Json, faults: &'a mut Vec<Fault>) -> Self {
        Self { root, faults, partial: false }
    }

    /// `name` is what a message calls the value.
    pub fn value(&mut self, node: &Node, schema: &'a Json, name: &str) -> Option<Json> {
        let schema = self.resolve(schema);
        if let Some(any) = schema["anyOf"].as_array() {
            if node.is_null() && any.iter().any(|one| one["type"] == "null") {
                return Some(Json::Null);
            }
            let one = any.iter().find(|one| one["type"] != "null")?;
            return self.value(node, one, name);
        }
        if let Some(words) = constants(schema) {
            return self.one_of(node, &words, name);
        }
        if let Some(kinds) = schema["oneOf"].as_array() {
            return self.kind(node, kinds, name);
        }
        if node.is_null() && accepts(schema, "null") {
            return Some(Json::Null);
        }
        let kind = ["object", "array", "string", "boolean", "integer", "number"]
            .into_iter()
            .find(|kind| accepts(schema, kind))?;
        match kind {
            "object" => self.object(node, schema, name),
            "array" => self.array(node, schema, name),
            _ => self.scalar(node, schema, kind, name),
        }
    }

    fn resolve(&self, mut schema: &'a Json) -> &'a Json {
        while let Some(reference) = schema["$ref"].as_str() {
            schema = self.root.pointer(reference.trim_start_matches('#')).unwrap_or(&Json::Null);
        }
        schema
    }

    fn fault(&mut self, at: Place, message: String) -> Option<Json> {
        self.faults.push((at, message));
        None
    }

    fn object(&mut self, node: &Node, schema: &'a Json, name: &str) -> Option<Json> {
        let Value::Map(pairs) = &node.value else {
            let next = if node.is_null() { "; give it keys, or remove the line" } else { "" };
            return self.fault(node.at, format!("{name} is {}; expected keys with values below it{next}", found(node)));
        };
        let known = schema["properties"].as_object();
        let (mut object, mut whole) = (Map::new(), true);
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        for (key, value) in pairs {
            let property = known.and_then(|known| known.get(&key.text));
            let property = property.or_else(|| schema.get("additionalProperties").filter(|rest| rest.is_object()));
            let Some(property) = property else {
                let known = known.into_iter().flat_map(Map::keys).map(String::as_str);
                let message = unknown(&quoted(&key.text), &key.text, name, known);
                self.fault(key.at, message);
                continue;
            };
            // The bare key with nothing behind it is pointed at by its key.
            let mut value = value.clone();
            if value.is_null() {
                value.at = key.at;
            }
            match self.value(&value, property, &quoted(&key.text)) {
                Some(read) => {
                    object.insert(key.text.clone(), read);
                }
                None => whole &= !required.contains(&key.text.as_str()),
            }
        }
        for key in required.iter().filter(|key| node.get(key).is_none()) {
            whole = false;
            let given = pairs.first().map_or(node.at, |(key, _)| key.at);
            self.fault(given, format!("{name} has no `{key}`; expected `{key}: ...`; add it"));
        }
        whole.then_some(Json::Object(object))
    }

    fn array(&mut self, node: &Node, schema: &'a Json, name: &str) -> Option<Json> {
        let Value::List(entries) = &node.value else {
            let next = if node.is_null() { "; write `[]` where there is none" } else { "" };
            return self.fault(
                node.at,
                format!("{name} is {}; expected a list: `- entry` on lines of its own, or `[a, b]`{next}", found(node)),
            );
        };
        let singular = format!("an entry of {name}");
        let mut read = Vec::with_capacity(entries.len());
        let mut whole = true;
        for entry in entries {
            match self.value(entry, &schema["items"], &singular) {
                Some(value) => read.push(value),
                None => whole = false,
            }
        }
        self.partial |=
            !whole && schema["items"].get("$ref").is_some_and(|_| self.resolve(&schema["items"])["type"] != "string");
        whole.then_some(Json::Array(read))
    }

    /// One of several kinds of a thing, told apart by a key with a constant.
    fn kind(&mut self, node: &Node, kinds: &'a [Json], name: &str) -> Option<Json> {
        let Value::Map(pairs) = &node.value else {
            return self.fault(node.at, format!("{name} is {}; expected keys with values below it", found(node)));
        };
        let tag = kinds.iter().find_map(|kind| {
            let properties = kind["properties"].as_object()?;
            properties.iter().find(|(_, property)| property.get("const").is_some()).map(|(tag, _)| tag.as_str())
        })?;
        let word = |kind: &'a Json| kind["properties"][tag]["const"].as_str();
        let words: Vec<&str> = kinds.iter().filter_map(word).collect();
        let Some((_, chosen)) = node.get(tag) else {
            let at = pairs.first().map_or(node.at, |(key, _)| key.at);
            return self.fault(at, format!("{name} has no `{tag}`; expected `{tag}:` with one of {}", list(&words)));
        };
        let Some(Json::String(chosen)) = self.one_of(chosen, &words, &format!("`{tag}`")) else { return None };
        let kind = kinds.iter().find(|kind| word(kind) == Some(&chosen))?;
        self.object(node, kind, &format!("{name} of kind {chosen}"))
    }

    fn one_of(&mut self, node: &Node, words: &[&str], name: &str) -> Option<Json> {
        match &node.value {
            Value::Scalar { text, .. } if words.contains(&text.as_str()) => Some(json!(text)),
            Value::Scalar { text, .. } => {
                let near = suggestion(text, words.iter().copied());
                self.fault(node.at, format!("{name} is {}; expected one of {}{near}", found(node), list(words)))
            }
            _ => self.fault(node.at, format!("{name} is {}; expected one of {}", found(node), list(words))),
        }
    }

    fn scalar(&mut self, node: &Node, schema: &Json, kind: &str, name: &str) -> Option<Json> {
        let Value::Scalar { text, plain } = &node.value else {
            return self.fault(node.at, format!("{name} is {}; expected {}", found(node), wanted(kind, schema)));
        };
        if kind == "string" {
            return self.text(node, text, *plain, schema, name);
        }
        if !plain {
            let message =
                format!("{name} is the text {}; expected {}; remove the quotes", quoted(text), wanted(kind, schema));
            return self.fault(node.at, message);
        }
        let read = match kind {
            "boolean" => boolean(text),
            "integer" => integer(text, schema),
            _ => number(text, schema),
        };
        match read {
            Ok(value) => Some(value),
            Err(next) => {
                self.fault(node.at, format!("{name} is {}; expected {}{next}", found(node), wanted(kind, schema)))
            }
        }
    }

    fn text(&mut self, node: &Node, text: &str, plain: bool, schema: &Json, name: &str) -> Option<Json> {
        let format = schema["format"].as_str().unwrap_or_default();
        if plain && (node.is_null() || matches!(text, "true" | "false")) {
            let next = if node.is_null() { "; add it" } else { "; put quotes around it" };
            return self
                .fault(node.at, format!("{name} is {}; expected {}{next}", found(node), format::wanted(format)));
        }
        match format::check(format, text) {
            Ok(text) => Some(json!(text)),
            Err(why) => {
                self.fault(node.at, format!("{name} {why}"));
                // A text that is only not as it should be still says what was meant; others refer to it.
                format::is_only_text(format).then(|| json!(text))
            }
        }
    }
}

/// The words of an enumeration, as schemars writes them: `enum`, or a list of constants with descriptions.
fn constants(schema: &Json) -> Option<Vec<&str>> {
    if let Some(words) = schema["enum"].as_array() {
        return Some(words.iter().filter_map(Json::as_str).collect());
    }
    let words = schema["oneOf"].as_array()?;
    words.iter().map(|word| word["const"].as_str().map(|one| vec![one]).or_else(|| constants(word))).try_fold(
        Vec::new(),
        |mut all, some| {
            all.extend(some?);
            Some(all)
        },
    )
}

fn accepts(schema: &Json, kind: &str) -> bool {
    match &schema["type"] {
        Json::String(one) => one == kind,
        Json::Array(several) => several.iter().any(|one| one == kind),
        _ => false,
    }
}

/// What stands there, for people.
fn found(node: &Node) -> String {
    match &node.value {
        _ if node.is_null() => "left empty".to_owned(),
        Value::Scalar { text, plain: true } => quoted(text),
        Value::Scalar { text, .. } => format!("the text {}", quoted(text)),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a block of keys".to_owned(),
    }
}

fn wanted(kind: &str, schema: &Json) -> String {
    let (least, most) = (schema["minimum"].as_f64().unwrap_or(0.0), schema["maximum"].as_f64());
    match (kind, most) {
        ("string", _) => format::wanted(schema["format"].as_str().unwrap_or_default()).to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        ("integer", Some(most)) => format!("a whole number from {least} to {most}"),
        ("integer", None) => format!("a whole number of at least {least}"),
        (_, Some(most)) => format!("a number from {least} to {most}"),
        _ => "a number".to_owned(),
    }
}

/// YAML 1.1 took yes, no, on and off for this; half of its readers still do, so that nobody can be sure what was meant.
fn boolean(text: &str) -> Result<Json, String> {
    match text {
        "true" => Ok(json!(true)),
        "false" => Ok(json!(false)),
        _ => Err(match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "true" | "1" => "; write true".to_owned(),
            "no" | "off" | "n" | "false" | "0" => "; write false".to_owned(),
            _ => String::new(),
        }),
    }
}

fn integer(text: &str, schema: &Json) -> Result<Json, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits && text.len() > 1 && text.starts_with('0') {
        return Err("; write it without the leading 0, which some take for an octal number".to_owned());
    }
    let value = text.parse::<u64>().ok().filter(|_| digits).ok_or_else(|| {
        let grouped =
            text.chars().any(|c| matches!(c, '_' | ',' | '\'')) && text.starts_with(|c: char| c.is_ascii_digit());
        if grouped { "; write the digits alone".to_owned() } else { String::new() }
    })?;
    let (least, most) = (schema["minimum"].as_u64().unwrap_or(0), schema["maximum"].as_u64().unwrap_or(u64::MAX));
    if (least..=most).contains(&value) { Ok(json!(value)) } else { Err(String::new()) }
}

fn number(text: &str, schema: &Json) -> Result<Json, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if let Some(value) = text.strip_suffix('%').and_then(|percent| percent.trim().parse::<f64>().ok()) {
        return Err(format!("; write {} for that", value / 100.0));
    }
    if !digits(whole) || !digits(fraction) {
        return Err("; write it with a point, such as 0.7".to_owned());
    }
    if fraction.trim_end_matches('0').len() > 4 {
        return Err(" with at most four digits behind the point".to_owned());
    }
    let value = text.parse::<f64>().map_err(|_| String::new())?;
    let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
    let fits = least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most);
    if fits { Ok(json!(value)) } else { Err(String::new()) }
}

fn unknown<'k>(shown: &str, key: &str, name: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    let near = suggestion(key, known.clone());
    let known: Vec<&str> = known.collect();
    format!("{shown} is not known in {name}; expected one of {}{near}", list(&known))
}

/// `; did you mean ...?` where one is near.
pub(super) fn suggestion<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> String {
    let lower = word.to_lowercase();
    let tolerated = (word.chars().count() / 3).clamp(1, 4);
    let near = known
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= tolerated);
    near.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

fn list(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
