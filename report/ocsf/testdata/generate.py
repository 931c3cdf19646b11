"""Makes iam_analysis_finding.schema.json from a copy of github.com/ocsf/ocsf-schema.

    python3 generate.py PATH/TO/ocsf-schema.git COMMIT > iam_analysis_finding.schema.json

It puts together what OCSF spreads over its dictionary, the class, the classes it
extends and the objects: attributes, types, requirements, enums with the caption
that their sibling must repeat, and constraints. No profile is applied, so its
attributes are left out, as is what OCSF deprecates. Of the objects only OBJECTS
are written; whoever uses another one extends that list.
"""

import json
import subprocess
import sys

CLASS = "events/findings/iam_analysis_finding.json"
OBJECTS = ["metadata", "product", "finding_info", "analytic", "key_value_object", "resource_details", "user",
           "organization", "application", "identity_activity_metrics", "programmatic_credential",
           "permission_analysis_result", "policy", "remediation"]
REPOSITORY, COMMIT = sys.argv[1:3]


def git(*args):
    return subprocess.check_output(["git", "-C", REPOSITORY, *args], text=True)


def read(path):
    return json.loads(git("show", f"{COMMIT}:{path}"))


FILES = git("ls-tree", "-r", "--name-only", COMMIT).splitlines()
DICTIONARY = read("dictionary.json")
TYPES = DICTIONARY["types"]["attributes"]
BASICS = {"boolean_t": {"type": "boolean"}, "integer_t": {"type": "integer"}, "long_t": {"type": "integer"},
          "float_t": {"type": "number"}, "string_t": {"type": "string"}, "json_t": {}}


def named(name, folder):
    return read(next(f for f in FILES if f.startswith(folder + "/") and f.endswith(f"/{name}.json")))


def parent(spec):
    """What it extends: a class has a category, of its own or by extending finding."""
    if "extends" not in spec:
        return None
    return named(spec["extends"], "events" if "category" in spec or spec["extends"] == "finding" else "objects")


def attributes(spec):
    """Those of a class or an object, over those of its ancestors."""
    above = parent(spec)
    out = attributes(above) if above else {}
    for include in spec["attributes"].get("$include", []):
        profile = read(include)
        for name, attribute in profile["attributes"].items():
            out[name] = {**attribute, "profile": profile["name"]}
    for name, attribute in spec["attributes"].items():
        if name != "$include":
            old = out.get(name, {})
            out[name] = {**old, **attribute, "enum": {**old.get("enum", {}), **attribute.get("enum", {})}}
    return out


def resolved(name, attribute):
    known = DICTIONARY["attributes"][name]
    return {**known, **attribute, "enum": {**known.get("enum", {}), **attribute.get("enum", {})}}


def value(attribute):
    kind = attribute["type"]
    if kind in TYPES:
        schema = basic(kind)
    elif kind == "object":
        schema = {"type": "object"}
    else:
        schema = {"$ref": f"#/$defs/{kind}"} if kind in OBJECTS else False
    if attribute["enum"]:
        schema = {"enum": sorted(int(k) if k.isdigit() else k for k in attribute["enum"])}
    return {"type": "array", "items": schema} if attribute.get("is_array") and schema else schema


def basic(kind):
    spec, schema = TYPES[kind], {}
    schema.update(BASICS[kind] if kind in BASICS else basic(spec["type"]))
    for theirs, ours in (("regex", "pattern"), ("max_len", "maxLength")):
        if theirs in spec:
            schema[ours] = spec[theirs]
    return schema


def captions(name, attribute):
    """The sibling of an enum says what the enum says, but for 99 (Other)."""
    for number, entry in attribute["enum"].items():
        if "sibling" in attribute and number != "99":
            yield {"if": {"required": [name], "properties": {name: {"const": int(number)}}},
                   "then": {"properties": {attribute["sibling"]: {"const": entry["caption"]}}}}


def constraints(spec):
    """Its own, else those that it inherits. All that OBJECTS have is at_least_one."""
    above = parent(spec)
    return spec.get("constraints") or (constraints(above) if above else {})


def schema(spec, fixed):
    found = {n: resolved(n, a) for n, a in attributes(spec).items() if not a.get("profile")}
    found = {n: a for n, a in found.items() if "@deprecated" not in a}
    for name, enum in fixed.items():
        found[name]["enum"] = enum
    rules = [rule for n, a in sorted(found.items()) for rule in captions(n, a)]
    for names in constraints(spec).values():
        rules.append({"anyOf": [{"required": [n]} for n in names]})
    out = {"type": "object", "additionalProperties": False,
           "required": sorted(n for n, a in found.items() if a.get("requirement") == "required"),
           "properties": {n: value(a) for n, a in sorted(found.items())}}
    return out | ({"allOf": rules} if rules else {})


def numbers(spec):
    """The numbers of a class: those of its category, itself and its activities."""
    categories = read("categories.json")["attributes"]
    category = categories["findings"]
    uid = category["uid"] * 1000 + spec["uid"]
    activities = resolved("activity_id", attributes(spec)["activity_id"])["enum"]
    kinds = {str(uid * 100 + int(n)): {"caption": f"{spec['caption']}: {a['caption']}"} for n, a in activities.items()}
    return {"category_uid": {str(category["uid"]): category}, "class_uid": {str(uid): spec}, "type_uid": kinds}


def text(value, depth=0):
    """JSON with what is short on one line."""
    line, pad = json.dumps(value), " " * depth
    if len(line) < 160 or not isinstance(value, (dict, list)):
        return line
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"{pad} {text(v, depth + 1)}" for v in value) + f"\n{pad}]"
    return "{\n" + ",\n".join(f"{pad} {json.dumps(k)}: {text(v, depth + 1)}" for k, v in value.items()) + f"\n{pad}}}"


spec = read(CLASS)
result = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$comment": f"OCSF {read('version.json')['version']}, class {spec['name']}, no profile. Made by generate.py from "
                f"https://github.com/ocsf/ocsf-schema at {git('rev-parse', COMMIT).strip()} (Apache-2.0). "
                "False stands for an object that is not written out here.",
    **schema(spec, numbers(spec)),
    "$defs": {name: schema(named(name, "objects"), {}) for name in OBJECTS},
}
print(text(result))
