// What a package exports, as one line of JSON: node slim-names.mjs KIND. Names of functions with the number of their parameters, of values with the
// values. A process of its own: two native cores do not share one.
import { bindings } from "./slim-kinds.mjs";

const slim = await bindings(process.argv[2]);
const own = (value) => (typeof value === "function" ? value.length : typeof value);
const names = {};

/** Methods of a class and of those it extends. */
function* methodsOf({ prototype }) {
  for (let at = prototype; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === "function" && name !== "constructor") yield [name, value.length];
    }
  }
}

for (const [name, value] of Object.entries(slim)) {
  if (name === "default" || name.startsWith("slim_")) continue;
  names[name] = own(value);
  if (typeof value === "function") {
    for (const [method, parameters] of methodsOf(value)) {
      names[`${name}#${method}`] ??= parameters;
    }
    for (let at = value; at !== Function.prototype; at = Object.getPrototypeOf(at)) {
      for (const [member, { value: inner }] of Object.entries(
        Object.getOwnPropertyDescriptors(at),
      )) {
        if (typeof inner === "function") names[`${name}.${member}`] ??= inner.length;
      }
    }
  } else {
    for (const [member, inner] of Object.entries(value)) {
      names[`${name}.${member}`] = typeof inner === "number" ? `= ${inner}` : own(inner);
    }
  }
}
console.log(JSON.stringify(names));
process.exit(0);
