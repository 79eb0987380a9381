// Formulas as MathML, made element by element: of the tags that formula.py lists, with text that only becomes textContent.

const MATH = "http://www.w3.org/1998/Math/MathML";

function formula([tag, attributes, inside], onName) {
  const made = document.createElementNS(MATH, tag);
  for (const [key, value] of Object.entries(attributes)) if (key !== "name") made.setAttribute(key, value);
  if (typeof inside === "string") made.textContent = inside;
  else for (const child of inside) made.append(formula(child, onName));
  if (attributes.name) onName(made, attributes.name);
  return made;
}
