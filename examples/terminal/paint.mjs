const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 };

/** Colours on a terminal only, unless NO_COLOR is set. */
const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;

/** `paint('text', 'bold', 'red')`. */
export function paint(text, ...styles) {
  if (!coloured || text === '') return text;
  return `${styles.map((style) => `\u001b[${codes[style]}m`).join('')}${text}\u001b[0m`;
}
