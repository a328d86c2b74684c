//! A document as conditions see it: `user` with the core attributes, `ext` with those of the extensions.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use cel::{Context, Env, Value as Cel, objects::Key};
use serde_json::{Map, Value};

use crate::{
    Document,
    resource::ResourceType,
    schema::{self, Attribute, AttributeType, Mutability, Schema},
};

/// The functions of the language; one for all.
static LANGUAGE: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// The variable of core attributes.
pub(super) const USER: &str = "user";
/// The variable of the attributes of extensions.
pub(super) const EXT: &str = "ext";

/// A document, ready for conditions. Every declared attribute is there: null where it has no value, an empty list where
/// it holds a list, and a complex attribute always has its sub-attributes.
pub(super) struct Facts {
    context: Context<'static, 'static>,
}

impl Facts {
    /// Of a document.
    pub(super) fn of(resource_type: &ResourceType, document: &Document) -> Self {
        let mut context = Context::with_env(Arc::clone(&LANGUAGE));
        let user = core_attributes(resource_type).map(|attribute| entry(attribute, document));
        context.add_variable_from_value(USER, Cel::from(user.collect::<HashMap<Key, Cel>>()));
        let mut ext = HashMap::new();
        for (schema, attribute) in extension_attributes(resource_type) {
            let none = Map::new();
            let values = document.get(&schema.id).and_then(Value::as_object).unwrap_or(&none);
            let (key, value) = entry(attribute, values);
            ext.entry(key).or_insert(value);
        }
        context.add_variable_from_value(EXT, Cel::from(ext));
        Self { context }
    }

    pub(super) fn context(&self) -> &Context<'static, 'static> {
        &self.context
    }
}

/// The attributes that `user` has: what clients write, offered or common.
pub(super) fn core_attributes(resource_type: &ResourceType) -> impl Iterator<Item = &Attribute> {
    let common = schema::COMMON.attribute("externalId");
    resource_type
        .schema
        .attributes
        .iter()
        .chain(common)
        .map(AsRef::as_ref)
        .filter(|attribute| attribute.mutability != Mutability::ReadOnly && attribute.name != "password")
}

/// The attributes that `ext` has. Of two that share a name the product's comes before the enterprise extension's.
pub(super) fn extension_attributes(
    resource_type: &ResourceType,
) -> impl Iterator<Item = (&Schema, &Attribute)> {
    let enterprise = |schema: &Schema| schema.id == schema::ENTERPRISE_USER.id;
    let schemas = || resource_type.extensions.iter().map(|extension| &*extension.schema);
    let ordered = schemas()
        .filter(move |schema| !enterprise(schema))
        .chain(schemas().filter(move |schema| enterprise(schema)));
    ordered.flat_map(|schema| schema.attributes.iter().map(move |attribute| (schema, attribute.as_ref())))
}

fn entry(attribute: &Attribute, values: &Map<String, Value>) -> (Key, Cel) {
    let key = Key::String(Arc::new(attribute.name.clone()));
    (key, value_of(attribute, attribute.multi_valued, values.get(&attribute.name)))
}

fn value_of(attribute: &Attribute, is_list: bool, value: Option<&Value>) -> Cel {
    if is_list {
        let elements = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let elements = elements.iter().map(|element| value_of(attribute, false, Some(element)));
        return Cel::List(Arc::new(elements.collect()));
    }
    if attribute.kind == AttributeType::Complex {
        let none = Map::new();
        let fields = value.and_then(Value::as_object).unwrap_or(&none);
        let subs = attribute.sub_attributes.iter().map(|sub| entry(sub, fields));
        return Cel::from(subs.collect::<HashMap<Key, Cel>>());
    }
    match value {
        Some(Value::String(text)) => Cel::String(Arc::new(text.clone())),
        Some(Value::Bool(flag)) => Cel::Bool(*flag),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(whole) => Cel::Int(whole),
            None => number.as_f64().map_or(Cel::Null, Cel::Float),
        },
        _ => Cel::Null,
    }
}
