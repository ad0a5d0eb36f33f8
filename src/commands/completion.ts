import type { Command, Option } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;

/** What may follow a command: its subcommands, options, and whether its arguments are files. */
interface Place {
  /** Words from the program's name on, such as `lanner history`. */
  path: string;
  commands: { name: string; description: string }[];
  options: { flags: string[]; description: string; value: Value }[];
  files: boolean;
}
/** What an option is followed by: nothing, a file, one of a few words, or something we cannot know. */
type Value = 'none' | 'file' | 'free' | readonly string[];

/** The script a shell reads once (`source <(lanner completion bash)`). Pressing tab then starts no process. */
export function completionScript(program: Command, shell: (typeof shells)[number]): string {
  const places = placesOf(program, program.name());
  if (shell === 'fish') return fishScript(program.name(), places);
  const bash = bashScript(program.name(), places);
  return shell === 'bash'
    ? bash
    : `#compdef ${program.name()}\nautoload -U +X bashcompinit && bashcompinit\n${bash}`;
}

function placesOf(command: Command, path: string): Place[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  const place: Place = {
    path,
    commands: children.map((child) => ({ name: child.name(), description: child.description() })),
    options: help.visibleOptions(command).map((option) => ({
      flags: [option.short, option.long].filter((flag) => flag !== undefined),
      description: option.description,
      value: valueAfter(option),
    })),
    files: command.registeredArguments.some((argument) => /file|corpus/.test(argument.name())),
  };
  for (const argument of command.registeredArguments)
    for (const choice of argument.argChoices ?? []) place.commands.push({ name: choice, description: '' });
  return [place, ...children.flatMap((child) => placesOf(child, `${path} ${child.name()}`))];
}

function valueAfter(option: Option): Value {
  if (option.argChoices !== undefined) return option.argChoices;
  if (!option.required && !option.optional) return 'none';
  return /<(file|dir|path)/.test(option.flags) ? 'file' : 'free';
}

function bashScript(name: string, places: readonly Place[]): string {
  const known = places.map(({ path }) => `"${path}"`).join(' | ');
  const values = places.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== 'none')
      .map(
        ({ flags, value }) =>
          `    ${flags.map((flag) => `"${path} ${flag}"`).join(' | ')})${bashValue(value)} ;;`,
      ),
  );
  const others = places.map(
    (place) =>
      `      "${place.path}") words="${place.commands.map(({ name }) => name).join(' ')}"${place.files ? ' files=yes' : ''} flags="${flagsOf(place).join(' ')}" ;;`,
  );
  return `# ${name}: completion for bash. Load it with: source <(${name} completion bash)
_${name}() {
  local IFS=$' \\t\\n' current="\${COMP_WORDS[COMP_CWORD]}" place="${name}" files="" words="" flags="" word index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$place $word" in
    ${known}) place="$place $word" ;;
    esac
  done
  case "$place \${COMP_WORDS[COMP_CWORD - 1]}" in
${values.join('\n')}
    *)
      case "$place" in
${others.join('\n')}
      esac
      ;;
  esac
  # Options are offered where nothing else is, or after a dash.
  [[ -n "$words$files" && "$current" != -* ]] || words+=" $flags"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ -n "$files" && "$current" != -* ]]; then
    # One file name a line: names with spaces stay whole.
    IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY+=($(compgen -f -- "$current"))
  fi
}
complete -F _${name} ${name}
`;
}

function bashValue(value: Value): string {
  if (value === 'file') return ' files=yes';
  return typeof value === 'string' ? '' : ` words="${value.join(' ')}"`;
}

function flagsOf({ options }: Place): string[] {
  return options.flatMap(({ flags }) => flags);
}

function fishScript(name: string, places: readonly Place[]): string {
  const lines = places.flatMap((place) => {
    const words = place.path.split(' ').slice(1);
    const at = condition(words, place);
    return [
      ...place.commands.map(
        (child) => `complete -c ${name} -f -n '${at}' -a ${child.name} -d ${quoted(child.description)}`,
      ),
      ...place.options.map((option) => fishOption(name, at, option)),
      ...(place.files ? [`complete -c ${name} -F -n '${at}'`] : []),
    ];
  });
  return `# ${name}: completion for fish. Load it with: ${name} completion fish | source\ncomplete -c ${name} -f\n${lines.join('\n')}\n`;
}

/** True after exactly these subcommands. */
function condition(words: readonly string[], { commands }: Place): string {
  const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
  const next = commands.map(({ name }) => name).join(' ');
  return (
    [...seen, ...(next === '' ? [] : [`not __fish_seen_subcommand_from ${next}`])].join('; and ') || 'true'
  );
}

function fishOption(
  name: string,
  at: string,
  { flags, description, value }: Place['options'][number],
): string {
  const named = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const takes =
    value === 'none'
      ? ''
      : value === 'file'
        ? ' -r -F'
        : value === 'free'
          ? ' -x'
          : ` -x -a ${quoted(value.join(' '))}`;
  return `complete -c ${name} -n '${at}' ${named.join(' ')}${takes} -d ${quoted(description)}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
