import { parseShell } from '../../../src/detect/shell/parse.ts';
import type { SimpleCommand } from '../../../src/detect/shell/types.ts';

/** Commands that have words, each as its words joined by a blank. */
export function commandsOf(text: string): string[] {
  return parseShell(text)
    .commands.filter((command) => command.words.length > 0)
    .map(wordsOf);
}

export function wordsOf(command: SimpleCommand): string {
  return command.words.map((word) => word.text).join(' ');
}

/** `fd operator target` of each redirection of the n-th command. */
export function redirectionsOf(text: string, command = 0): string[] {
  const found = parseShell(text).commands[command]?.redirections ?? [];
  return found.map((entry) => `${entry.fd}${entry.operator}${entry.target.text}`);
}

/** Pipes as `from>to`, by first words. */
export function pipesOf(text: string): string[] {
  const { commands } = parseShell(text);
  const name = (index: number) => commands[index]?.words[0]?.text ?? '';
  return commands.flatMap((command) => command.stdout_to.map((to) => `${name(command.index)}>${name(to)}`));
}
