/** Shells that hang on a connection of a shell string. */
import { baseName, shellName } from './names.ts';
import type { StringReading, Unit } from './strings.ts';

/** Names of shells and of programs that give one. */
function isShellCommand(unit: Unit): boolean {
  const words = unit.command.words.map((word) => word.text);
  const rest = words.filter(
    (word) => !/^(?:sudo|exec|nohup|setsid|env|command|busybox|timeout|\d+)$/.test(word),
  );
  const name = baseName(rest[0] ?? '');
  if (shellName(name) !== undefined) {
    const operand = rest.slice(1).find((word) => !/^[-+]/.test(word));
    return operand === undefined || rest.some((word) => /^-[a-z]*i/.test(word));
  }
  if (name === 'script') return words.some((word) => /(?:^|\/)(?:ba|z|da|a)?sh\b/.test(word));
  return name === 'login' || (name === 'python' && words.some((word) => word.includes('pty.spawn')));
}

/** A shell whose input or output is the unit's connection. */
export function wiredShell(
  reading: StringReading,
  unit: Unit,
  byIndex: ReadonlyMap<number, Unit>,
): string | undefined {
  const show = (other: Unit) => other.command.words.map((word) => word.text).join(' ') || 'sh';
  const reaches = (from: Unit, to: 'stdout_to' | 'stdin_from') => {
    for (const index of from.command[to]) {
      const other = byIndex.get(index);
      if (other && other !== unit && isShellCommand(other)) return other;
    }
    return undefined;
  };
  const conversation = unit.resolution.tool?.category !== 'http';
  if (!conversation) return undefined;
  const before = reaches(unit, 'stdin_from');
  if (before) return `${show(before)} | ${unit.resolution.invoked_as}`;
  const after = reaches(unit, 'stdout_to');
  if (after && unit.resolution.tool?.category !== 'dns')
    return `${unit.resolution.invoked_as} | ${show(after)}`;
  const fifo = reading.units.find((other) =>
    /^(?:mkfifo|mknod)$/.test(baseName(other.command.words[0]?.text ?? '')),
  );
  if (fifo) {
    const shell = reading.units.find((other) => other.script === unit.script && isShellCommand(other));
    if (shell) return `${show(fifo)}; ${show(shell)}`;
  }
  return socketShell(reading, unit);
}

const DESCRIPTOR = /^(?:&)?(\d+)$/;

/** A shell, `while read` or `eval` on the descriptors of a `/dev/tcp` redirection. */
function socketShell(reading: StringReading, unit: Unit): string | undefined {
  if (unit.sockets.length === 0) return undefined;
  const byVariable = unit.sockets.some((socket) => socket.fd === -1);
  if (isShellCommand(unit))
    return `${unit.command.words.map((word) => word.text).join(' ')} on ${unit.sockets[0]!.path}`;
  const fds = new Set(unit.sockets.map((socket) => String(socket.fd)));
  for (const other of reading.units) {
    const uses = other.command.redirections.filter((redirection) => {
      const fd = DESCRIPTOR.exec(redirection.target.text)?.[1];
      return (fd !== undefined && fds.has(fd)) || (byVariable && redirection.target.text.includes('$'));
    });
    const inherits =
      uses.length > 0 ||
      other.command.redirections.some((redirection) => /^\/dev\/(?:tcp|udp)\//.test(redirection.target.text));
    if (inherits && isShellCommand(other))
      return `${other.command.words.map((word) => word.text).join(' ')} on descriptor ${[...fds].join(', ')}`;
  }
  return commandLoop(reading, unit, fds);
}

/** `cat <&5 | while read line; do $line >&5; done`: commands come over the connection. */
function commandLoop(reading: StringReading, unit: Unit, fds: ReadonlySet<string>): string | undefined {
  const reads = reading.units.some((other) => other.command.words[0]?.text === 'read');
  const onSocket = (other: Unit) =>
    other === unit ||
    other.command.redirections.some((redirection) => {
      const fd = DESCRIPTOR.exec(redirection.target.text)?.[1];
      return fd !== undefined && fds.has(fd);
    });
  if (!reads || !reading.units.some(onSocket)) return undefined;
  const runs = reading.units.find((other) => {
    const first = other.command.words[0];
    return first !== undefined && ((first.has_unknown && /^\$/.test(first.text)) || first.text === 'eval');
  });
  return runs
    ? `${runs.command.words.map((word) => word.text).join(' ')} in a loop that reads the connection`
    : undefined;
}
