// Exchanges that followed from each other, as one story. Which followed from which is what agencies have written: a parent
// that is not in the list is none, and a circle is cut where it closes.

/** By place of each line that of the one it followed from, or -1. */
function parentsOf(lines) {
  const places = new Map();
  lines.forEach((line, at) => places.has(line.xid) || places.set(line.xid, at));
  const parents = lines.map((line, at) => {
    const found = line.parent === "" ? -1 : places.get(line.parent) ?? -1;
    return found === at ? -1 : found;
  });
  for (let at = 0; at < parents.length; at += 1) {
    const seen = new Set([at]);
    for (let up = at; parents[up] >= 0; up = parents[up]) {
      if (seen.has(parents[up])) {
        parents[up] = -1;
        break;
      }
      seen.add(parents[up]);
    }
  }
  return parents;
}

/** A function of a line's place that gives its story: {at, then: […]} from where it began, or null for a line alone. */
export function storiesOf(lines) {
  let parents = null;
  const children = new Map();
  return (own) => {
    if (parents === null) {
      parents = parentsOf(lines);
      parents.forEach((up, at) => children.set(up, [...(children.get(up) ?? []), at]));
    }
    let first = own;
    while (parents[first] >= 0) first = parents[first];
    const told = (at) => ({ at, then: (children.get(at) ?? []).map(told) });
    return first === own && !children.has(own) ? null : told(first);
  };
}
