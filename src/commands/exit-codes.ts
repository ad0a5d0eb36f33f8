/** What a shell, an init system or a CI job may rely on. */
export const exitCodes = {
  ok: { code: 0, meaning: 'done as asked' },
  found: { code: 1, meaning: 'findings or problems, where the command was asked to look for them' },
  usage: { code: 2, meaning: 'the command line is wrong' },
  config: { code: 3, meaning: 'the configuration is wrong or cannot be read' },
  connect: { code: 4, meaning: 'cannot connect, listen or open: address, permission, TLS' },
  input: { code: 5, meaning: 'a file given as input is missing or cannot be read' },
  undelivered: { code: 6, meaning: 'findings were left undelivered when the command ended' },
  internal: { code: 70, meaning: 'a bug in Lanner' },
  interrupted: { code: 130, meaning: 'ended at once by a second SIGINT or SIGTERM' },
} as const;

const byErrorCode: Record<string, keyof typeof exitCodes> = {
  config_invalid: 'config',
  config_unreadable: 'config',
  config_version: 'config',
  recording_missing: 'input',
  recording_unreadable: 'input',
  recording_form: 'input',
  usage: 'usage',
  file_exists: 'usage',
};

/** The exit code of an error with this code; whatever is not about files or configuration is about connecting. */
export function exitCodeOf(errorCode: string): number {
  return exitCodes[byErrorCode[errorCode] ?? 'connect'].code;
}
