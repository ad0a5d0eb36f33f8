/** deploy/reference/cli.md: what `lanner … --help` prints, for every command. */

/** The page. `help` answers the help text of `lanner ARGS… --help`. */
export async function cliReference(help: (args: string[]) => Promise<string>): Promise<string> {
  const sections: string[] = [];
  const visit = async (args: string[]): Promise<void> => {
    const text = await help(args);
    const name = ['lanner', ...args].join(' ');
    sections.push(`${args.length === 0 ? '##' : '###'} ${name}\n\n\`\`\`\n${text.trim()}\n\`\`\``);
    for (const command of commandsIn(text)) await visit([...args, command]);
  };
  await visit([]);
  return `${[
    '# Command line',
    'Written by `npm run generate` from the commands themselves. Exit codes: [errors](errors.md#exit-codes).',
    ...sections,
  ].join('\n\n')}\n`;
}

/** Names under `Commands:` in a help text. */
function commandsIn(text: string): string[] {
  const listed = text.split(/^Commands:\n/m)[1] ?? '';
  return [...listed.matchAll(/^ {2}([a-z][a-z-]*)/gm)]
    .map((match) => match[1]!)
    .filter((one) => one !== 'help');
}
