/** deploy/reference/errors.md: rendered from the table of codes. */
import { errorCodes } from '../../model/errors.ts';
import { exitCodeOf, exitCodes } from '../exit-codes.ts';
import { code, table } from './markdown.ts';

/** The page. */
export function errorsReference(): string {
  return `${[
    '# Errors',
    'Written by `npm run generate` from the code. An error has a stable code, a message that says what is wrong and where, and a sentence that says what to do. A command prints it to standard error, the code in brackets, and ends with the exit code; a running Lanner logs it (`code`) and shows it in `/healthz` of the source it is about, and goes on trying. What to do about each: deploy/monitoring/errors.md.',
    '## Codes',
    table(
      ['code', 'meaning', 'exit code of a command'],
      Object.entries(errorCodes).map(([name, meaning]) => [code(name), meaning, String(exitCodeOf(name))]),
    ),
    '## Exit codes',
    table(
      ['exit code', 'name', 'meaning'],
      Object.entries(exitCodes).map(([name, entry]) => [String(entry.code), code(name), entry.meaning]),
    ),
  ].join('\n\n')}\n`;
}
