const clock = String.raw`\d{2}:\d{2}:\d{2}\.\d{9}`;
const iso = String.raw`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[.\d]*[+-]\d{4}`;
const priority = '(?:Emergency|Alert|Critical|Error|Warning|Notice|Informational|Debug)';
const line = new RegExp(`^(?:${clock}|${iso}): ${priority} `);

/** True if this is what Falco prints with `json_output: false`. */
export function looksLikeText(text: string): boolean {
  return line.test(text);
}
