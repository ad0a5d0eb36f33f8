/** Scripts inside a command of a script: `sh -c '…'`, `eval …`, a here-document for a shell. */
import type { SimpleCommand } from './types.ts';

const SHELL = /^(?:ba|da|a|k|mk|z|fi)?sh$/;

function baseName(text: string): string {
  return text.slice(text.lastIndexOf('/') + 1);
}

/** The texts a command gives to a shell in words or by redirection; unknown parts stand as written. */
export function embeddedScripts(command: SimpleCommand): string[] {
  const words = command.words.map((word) => word.text);
  const name = baseName(words[0] ?? '');
  if (name === 'eval') return words.length > 1 ? [words.slice(1).join(' ')] : [];
  const scripts: string[] = [];
  const shell = words.findIndex((word) => SHELL.test(baseName(word)) || baseName(word) === 'su');
  if (shell < 0) return scripts;
  const option = words.findIndex((word, index) => index > shell && /^[-+][A-Za-z]{0,8}c$/.test(word));
  const script =
    option < 0 ? undefined : words.slice(option + 1).find((word) => !/^[-+][A-Za-z]{1,8}$/.test(word));
  if (script !== undefined) scripts.push(script);
  if (option >= 0) return scripts;
  for (const entry of command.redirections) {
    if (['<<<', '<<', '<<-'].includes(entry.operator) && entry.fd === 0) scripts.push(entry.target.text);
  }
  return scripts;
}
