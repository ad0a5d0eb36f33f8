/** Programs that copy files: scp, sftp, rsync. Which side is remote tells the direction. */
import { type ArgumentContext, emptyInvocation, type Invocation } from '../invocation.ts';
import { hostPeer, splitPort } from '../peers.ts';
import { compileGrammar, hasOption, lastOption, readArguments } from './getopt.ts';
import { absolutePath, directoryPath } from './paths.ts';
import { readShared } from './ssh.ts';
import { addRead, addUpload, addWrite, markInert } from './support.ts';

const SCP = compileGrammar({ short: '12346ABCOpqRrsTvhc:D:F:i:J:l:o:P:S:X:' });

/** `[user@]host:path`, `scp://…`; undefined for a local path. */
export function remoteSide(word: string): { host: string; path: string } | undefined {
  if (/^(?:scp|sftp|rsync):\/\//i.test(word)) {
    const rest = word.slice(word.indexOf('://') + 3);
    const slash = rest.indexOf('/');
    return slash < 0 ? { host: rest, path: '' } : { host: rest.slice(0, slash), path: rest.slice(slash) };
  }
  const bracket = word.startsWith('[') || word.includes('@[') ? word.indexOf(']:') + 1 : 0;
  const colon = word.indexOf(':', bracket);
  const slash = word.indexOf('/');
  if (colon <= 0 || (slash >= 0 && slash < colon)) return undefined;
  return { host: word.slice(0, colon), path: word.slice(colon + 1) };
}

function localFile(path: string, context: ArgumentContext, remote: string | undefined): string {
  const name = remote?.slice(remote.lastIndexOf('/') + 1);
  if (path.endsWith('/') || path === '.' || path === '..') {
    const directory = directoryPath(path, context.cwd);
    return name ? directory + name : directory;
  }
  return absolutePath(path, context.cwd);
}

/** Copies of the form `SRC… DST`, where the remote side tells the direction. */
export function readCopy(
  invocation: Invocation,
  operands: readonly string[],
  context: ArgumentContext,
  option: string,
  port?: string,
): void {
  if (operands.length < 2) {
    const side = operands[0] === undefined ? undefined : remoteSide(operands[0]);
    if (side) addHost(invocation, operands[0]!, side.host, port);
    markInert(invocation, side ? 'list' : 'no_operand');
    return;
  }
  const target = operands.at(-1)!;
  const targetSide = remoteSide(target);
  if (targetSide) addHost(invocation, target, targetSide.host, port);
  for (const source of operands.slice(0, -1)) {
    const side = remoteSide(source);
    if (side) addHost(invocation, source, side.host, port);
    if (side && !targetSide) {
      invocation.downloads.push({ option, path: localFile(target, context, side.path), url: source });
    }
    if (!side && targetSide) addUpload(invocation, option, source, context.cwd);
  }
}

function addHost(invocation: Invocation, text: string, host: string, port: string | undefined): void {
  const split = splitPort(host.slice(host.lastIndexOf('@') + 1));
  invocation.peers.push({ ...hostPeer(split.host, split.port ?? port, 'connect'), text });
}

export function parseScp(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(SCP, words);
  const invocation = emptyInvocation('scp');
  invocation.leftover.push(...read.leftover);
  for (const option of read.options) {
    if (option.id === 'S')
      invocation.attached.push({ option: option.text, program: option.value ?? '', on_socket: false });
    else readShared(invocation, { ...option, id: option.id === 'D' ? '' : option.id }, context);
  }
  readCopy(invocation, read.operands, context, 'operand', lastOption(read, 'P')?.value ?? '22');
  return invocation;
}

const SFTP = compileGrammar({ short: '1246AaCfNpqrvhB:b:c:D:F:i:J:l:o:P:R:S:s:X:' });

/** What sftp moves stands in a batch file or comes from standard input, but for `sftp host:file [local]`. */
export function parseSftp(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(SFTP, words);
  const invocation = emptyInvocation('sftp');
  invocation.leftover.push(...read.leftover);
  for (const option of read.options) {
    if (option.id === 'S' || option.id === 'D') {
      invocation.attached.push({ option: option.text, program: option.value ?? '', on_socket: false });
    } else if (option.id === 'b') {
      invocation.hidden_targets.push(option.text);
      addRead(invocation, option.text, option.value, context.cwd);
    } else if (option.id !== 'R') readShared(invocation, option, context);
  }
  const [target, local] = read.operands;
  if (target === undefined) {
    markInert(invocation, 'no_operand');
    return invocation;
  }
  const side = remoteSide(target) ?? { host: target, path: '' };
  addHost(invocation, target, side.host, lastOption(read, 'P')?.value ?? '22');
  if (side.path !== '' && !side.path.endsWith('/')) {
    invocation.downloads.push({
      option: 'operand',
      path: localFile(local ?? './', context, side.path),
      url: target,
    });
  }
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  return invocation;
}

const RSYNC = compileGrammar({
  short: 'vqcarRbudlLkKHpEAXogDtOJSnWxyCImzPsh0468iUFVe:B:f:M:T:',
  long: `verbose|v quiet|q checksum|c archive|a recursive|r relative|R rsh=e rsync-path= daemon config= port=
    password-file= exclude= exclude-from= include= include-from= files-from= filter=f temp-dir=T
    compare-dest= copy-dest= link-dest= partial-dir= log-file= log-file-format= bwlimit= timeout= contimeout=
    sockopts= out-format= info= debug= chmod= chown= usermap= groupmap= backup-dir= suffix= max-size= min-size=
    address= protocol= iconv= write-batch= read-batch= only-write-batch= block-size=B checksum-choice=
    compress-choice= compress-level= skip-compress= stop-after= stop-at= remote-option=M outbuf= dry-run|n
    list-only server sender version|V help delete progress compress|z`,
});

/** `rsync SRC… DST`; a `:` or `rsync://` marks the remote side; `-e` is the shell it runs. */
export function parseRsync(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(RSYNC, words);
  const invocation = emptyInvocation('rsync');
  invocation.leftover.push(...read.leftover);
  if (hasOption(read, 'version')) markInert(invocation, 'version');
  if (hasOption(read, 'help')) markInert(invocation, 'help');
  for (const option of read.options) {
    if (option.id === 'e')
      invocation.attached.push({ option: option.text, program: option.value ?? '', on_socket: false });
    if (option.id === 'password-file') addRead(invocation, option.text, option.value, context.cwd);
    if (option.id === 'files-from') addRead(invocation, option.text, option.value, context.cwd);
    if (option.id === 'log-file') addWrite(invocation, option.text, option.value, context.cwd);
  }
  if (hasOption(read, 'daemon')) {
    const address = lastOption(read, 'address')?.value ?? '';
    const port = lastOption(read, 'port')?.value ?? '873';
    invocation.listen = { address, port };
    invocation.serves = 'files';
    invocation.peers.push(hostPeer(address, port, 'listen'));
    return invocation;
  }
  const operands = read.operands.map((word) => word.replace(/^([^/:]*)::/, '$1:'));
  readCopy(invocation, operands, context, 'operand', lastOption(read, 'port')?.value);
  return invocation;
}
