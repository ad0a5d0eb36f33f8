/** File transfer beside scp and rsync: tftp, ftpget, ftpput, lftp, smbclient, rclone, finger and whois as carriers. */
import {
  type ArgumentContext,
  type ArgumentParser,
  emptyInvocation,
  type Invocation,
} from '../invocation.ts';
import { hostPeer, parsePeer, urlPeer } from '../peers.ts';
import { compileGrammar, hasOption, lastOption, readArguments } from './getopt.ts';
import { absolutePath, isSink } from './paths.ts';
import { addInlineUpload, addRead, addUpload, markInert } from './support.ts';

function addDownload(invocation: Invocation, option: string, path: string, context: ArgumentContext): void {
  if (isSink(path)) invocation.to_stdout = true;
  else invocation.downloads.push({ option, path: absolutePath(path, context.cwd) });
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const TFTP = compileGrammar({
  short: 'gp46vVhl:r:b:m:R:t:c:',
  long: 'get|g put|p local-file=l remote-file=r mode=m option= verbose trace help|h version|V tftp-timeout= password=',
});

/** busybox and atftp (`-g|-p -l LOCAL -r REMOTE HOST [PORT]`), tftp-hpa (`HOST -c get|put FILE…`). */
export function parseTftp(words: readonly string[], context: ArgumentContext): Invocation {
  const command = words.indexOf('-c');
  const read = readArguments(TFTP, command < 0 ? words : words.slice(0, command));
  const invocation = emptyInvocation('tftp');
  if (hasOption(read, 'h')) markInert(invocation, 'help');
  if (hasOption(read, 'V') && read.operands.length === 0) markInert(invocation, 'version');
  const [host, port] = read.operands;
  if (host === undefined) {
    markInert(invocation, 'no_operand');
    return invocation;
  }
  invocation.peers.push(hostPeer(host, port ?? '69', 'connect', 'tftp'));
  const remote = lastOption(read, 'r')?.value;
  const local = lastOption(read, 'l')?.value ?? (remote === undefined ? undefined : baseName(remote));
  const [verb, ...files] = command < 0 ? [] : words.slice(command + 1);
  if (hasOption(read, 'p')) addUpload(invocation, '-p', local ?? remote, context.cwd);
  else if (hasOption(read, 'g') && local !== undefined) addDownload(invocation, '-g', local, context);
  else if (verb === 'put') addUpload(invocation, 'put', files[0], context.cwd);
  else if (verb === 'get' && files[0])
    addDownload(invocation, 'get', files[1] ?? baseName(files[0]), context);
  else invocation.hidden_targets.push('stdin');
  return invocation;
}

const FTPGETPUT = compileGrammar({
  short: 'cvu:p:P:',
  long: 'continue|c verbose|v username=u password=p port=P help',
});

/** busybox: `ftpget HOST [LOCAL] REMOTE`, `ftpput HOST [REMOTE] LOCAL`. */
export function ftpGetPutParser(tool: 'ftpget' | 'ftpput'): ArgumentParser {
  return (words, context) => {
    const read = readArguments(FTPGETPUT, words);
    const invocation = emptyInvocation(tool);
    if (hasOption(read, 'help')) markInert(invocation, 'help');
    const [host, first, second] = read.operands;
    if (host === undefined || first === undefined) {
      markInert(invocation, 'no_operand');
      return invocation;
    }
    invocation.peers.push(hostPeer(host, lastOption(read, 'P')?.value ?? '21', 'connect', 'ftp'));
    if (hasOption(read, 'p')) invocation.credentials.push('-p');
    if (tool === 'ftpput') addUpload(invocation, 'operand', second ?? first, context.cwd);
    else addDownload(invocation, 'operand', second === undefined ? baseName(first) : first, context);
    return invocation;
  };
}

const LFTP = compileGrammar({ short: 'dhve:c:f:p:u:o:', long: 'help|h version|v norc env-password' });
const LFTP_PUT = /(?:^|[;&\n]|\s)(?:put|mput)\s+(?:-\S+\s+){0,4}([^\s;&]+)/g;
const LFTP_GET = /(?:^|[;&\n]|\s)(?:get|mget|pget|get1)\s+(?:-\S+\s+){0,4}([^\s;&]+)/g;

/** lftp, ncftp: the site is an operand, the work a command string or a script. */
export function lftpParser(tool: string): ArgumentParser {
  return (words, context) => {
    const read = readArguments(LFTP, words);
    const invocation = emptyInvocation(tool);
    if (hasOption(read, 'h')) markInert(invocation, 'help');
    if (hasOption(read, 'v') && words.length === 1) markInert(invocation, 'version');
    for (const site of read.operands.slice(0, 8)) {
      const peer = urlPeer(site, 'connect', 'ftp');
      if (peer) invocation.peers.push(peer);
    }
    for (const option of read.options) {
      if (option.id === 'u' && option.value?.includes(',')) invocation.credentials.push(option.text);
      if (option.id === 'f') {
        invocation.hidden_targets.push(option.text);
        addRead(invocation, option.text, option.value, context.cwd);
      }
      if (option.id === 'c' || option.id === 'e')
        readScript(invocation, option.text, option.value ?? '', context);
    }
    if (words.length === 0) markInert(invocation, 'no_operand');
    return invocation;
  };
}

function readScript(invocation: Invocation, option: string, script: string, context: ArgumentContext): void {
  const text = script.slice(0, 8192);
  for (const match of text.matchAll(LFTP_PUT)) addUpload(invocation, option, match[1], context.cwd);
  for (const match of text.matchAll(LFTP_GET)) addDownload(invocation, option, baseName(match[1]!), context);
  if (/\bmirror\s+(?:-\S+\s+){0,4}(?:-R|--reverse)/.test(text))
    invocation.uploads.push({ option, what: 'file' });
  const site = /\bopen\s+(?:-\S+\s+\S+\s+){0,4}([^\s;&-]\S*)/.exec(text)?.[1];
  const peer = site === undefined ? undefined : urlPeer(site.replace(/[;,]+$/, ''), 'connect', 'ftp');
  if (peer) invocation.peers.push(peer);
}

const SMBCLIENT = compileGrammar({
  short: 'hVENkPgqQ?I:L:M:U:A:c:D:p:d:s:W:n:O:t:m:T:R:b:',
  long: `help|? version|V user=U authentication-file=A command=c directory=D port=p ip-address=I list=L no-pass|N password=
    workgroup=W tar=T configfile=s`,
});

/** `smbclient //HOST/SHARE [-c 'put x; get y']`. */
export function parseSmbclient(words: readonly string[], context: ArgumentContext): Invocation {
  const read = readArguments(SMBCLIENT, words);
  const invocation = emptyInvocation('smbclient');
  if (hasOption(read, '?')) markInert(invocation, 'help');
  if (hasOption(read, 'V')) markInert(invocation, 'version');
  const share = read.operands.find((word) => /^(?:\/\/|\\\\)/.test(word));
  const host =
    share?.replace(/^[/\\]+/, '').split(/[/\\]/, 1)[0] ??
    lastOption(read, 'L')?.value?.replace(/^[/\\]+/, '');
  const port = lastOption(read, 'p')?.value ?? '445';
  if (host) invocation.peers.push(hostPeer(host, port, 'connect', 'smb'));
  const address = lastOption(read, 'I')?.value;
  if (address) {
    invocation.redirects.push({ option: '-I', value: address });
    invocation.peers.push(hostPeer(address, port, 'connect', 'smb'));
  }
  if (hasOption(read, 'password') || lastOption(read, 'U')?.value?.includes('%'))
    invocation.credentials.push('-U');
  addRead(invocation, '-A', lastOption(read, 'A')?.value, context.cwd);
  readScript(invocation, '-c', lastOption(read, 'c')?.value ?? '', context);
  if (!host && !address) markInert(invocation, 'no_operand');
  return invocation;
}

const RCLONE_LONG = `config= transfers= checkers= bwlimit= include= exclude= filter= filter-from= files-from= log-file=
  log-level= max-age= min-age= max-size= min-size= stats= retries= timeout= contimeout= user-agent= header= help|h
  version|V no-check-certificate progress|P dry-run|n verbose|v addr= user= pass= rc-addr= rc-user= rc-pass= rc
  rc-no-auth sftp-host= sftp-user= sftp-pass= s3-endpoint= s3-access-key-id= s3-secret-access-key= webdav-url=
  ftp-host= ftp-user= ftp-pass= http-url=`;
const RCLONE = compileGrammar({ short: 'hVPnviuqI', long: RCLONE_LONG, abbreviate: false });
const MOVERS = new Set([
  'copy',
  'copyto',
  'move',
  'moveto',
  'sync',
  'bisync',
  'cp',
  'mv',
  'mirror',
  'put',
  'get',
  'pipe',
  'rcat',
  'copyurl',
  'backup',
]);

function isRemote(word: string): boolean {
  return /^(?::?[\w.-]{2,64}(?:,[^:]{0,256})?:|s3:\/\/|gs:\/\/|az:\/\/)/.test(word);
}

/** rclone, mc, s5cmd, restic: `VERB SRC DST`, one side a configured remote. */
export function cloudCopyParser(tool: string): ArgumentParser {
  return (words, context) => {
    const read = readArguments(RCLONE, words);
    const invocation = emptyInvocation(tool);
    if (hasOption(read, 'h') || words[0] === 'help') markInert(invocation, 'help');
    if (hasOption(read, 'V') || words[0] === 'version') markInert(invocation, 'version');
    const [verb, ...operands] = read.operands;
    if (verb === undefined) markInert(invocation, 'no_operand');
    for (const option of read.options) {
      if (/-(?:host|endpoint|url)$/.test(option.id) && option.value)
        invocation.peers.push(parsePeer(option.value, 'connect'));
      if (/pass$|secret-access-key$/.test(option.id)) invocation.credentials.push(option.text);
      if (option.id === 'config' || option.id === 'files-from')
        addRead(invocation, option.text, option.value, context.cwd);
      if (option.id === 'no-check-certificate') invocation.unchecked.push(option.text);
    }
    if (verb !== undefined && /^(?:serve|rcd)$/.test(verb)) {
      const peer = parsePeer(lastOption(read, 'addr', 'rc-addr')?.value ?? 'localhost:8080', 'listen');
      invocation.listen = {
        address: peer.host ?? '',
        ...(peer.port === undefined ? {} : { port: peer.port }),
      };
      invocation.peers.push(peer);
      invocation.serves = 'files';
      return invocation;
    }
    if (verb === undefined || !MOVERS.has(verb)) return invocation;
    readMove(invocation, verb, operands, context);
    return invocation;
  };
}

function readMove(
  invocation: Invocation,
  verb: string,
  operands: readonly string[],
  context: ArgumentContext,
): void {
  const target = operands.at(-1);
  if (target === undefined) return;
  if (verb === 'rcat' || verb === 'pipe') {
    invocation.uploads.push({ option: verb, what: 'stdin' });
    return;
  }
  if (verb === 'backup' || operands.length === 1) {
    for (const word of operands) addUpload(invocation, verb, word, context.cwd);
    return;
  }
  for (const source of operands.slice(0, -1)) {
    if (isRemote(target) && !isRemote(source)) addUpload(invocation, verb, source, context.cwd);
    if (isRemote(source) && !isRemote(target)) addDownload(invocation, verb, target, context);
  }
}

const FINGER = compileGrammar({ short: 'lmsphMTgko46' });

/** `finger USER@HOST`: the user part carries data out. */
export function parseFinger(words: readonly string[], _context: ArgumentContext): Invocation {
  const read = readArguments(FINGER, words);
  const invocation = emptyInvocation('finger');
  for (const word of read.operands.slice(0, 64)) {
    const at = word.lastIndexOf('@');
    if (at < 0) continue;
    invocation.peers.push({ ...hostPeer(word.slice(at + 1), '79', 'connect', 'finger'), text: word });
    addInlineUpload(invocation, 'operand', word.slice(0, at));
  }
  if (invocation.peers.length === 0)
    markInert(invocation, read.operands.length === 0 ? 'no_operand' : 'list');
  return invocation;
}
