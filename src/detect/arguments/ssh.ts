/** ssh and its kin: dbclient, plink. */
import {
  type ArgumentContext,
  type ArgumentParser,
  emptyInvocation,
  type Invocation,
} from '../invocation.ts';
import { hostPeer, parsePeer, urlPeer } from '../peers.ts';
import { type CompiledGrammar, compileGrammar, type ReadOption, readArguments } from './getopt.ts';
import { addRead, addWrite, markInert } from './support.ts';

/** Options end at the host, then again options, then the command: `permute` off, read twice. */
const SSH = compileGrammar({
  short: '1246AaCfGgKkMNnqsTtVvXxYyB:b:c:D:E:e:F:I:i:J:L:l:m:O:o:P:p:Q:R:S:W:w:',
  permute: false,
});
const DROPBEAR = compileGrammar({ short: 'AfgGhKNsTtvVyzB:b:c:D:i:I:J:K:L:l:m:o:p:R:W:', permute: false });
const PLINK = compileGrammar({
  short: 'hVvsAaCNTt1246P:p:l:i:D:L:R:J:',
  long: 'pw= pwfile= load= batch hostkey= ssh nc= proxycmd= m= sanitise-stderr no-antispoof',
  single_dash: true,
  permute: false,
});

const FORWARDS = new Set(['L', 'R', 'D', 'w', 'W', 'nc']);
const NO_CHECK =
  /^(?:stricthostkeychecking\s*[= ]\s*(?:no|off|accept-new)|userknownhostsfile\s*[= ]\s*\/dev\/null|checkhostip\s*[= ]\s*no)$/i;

/** `-o Name=value` where it redirects, forwards, runs something or drops a check. */
function readSetting(
  invocation: Invocation,
  option: string,
  setting: string,
  context: ArgumentContext,
): void {
  const separator = setting.search(/[=\s]/);
  const name = (separator < 0 ? setting : setting.slice(0, separator)).trim().toLowerCase();
  const value = separator < 0 ? '' : setting.slice(separator + 1).trim();
  if (NO_CHECK.test(setting.trim()) && !/accept-new/i.test(setting))
    invocation.unchecked.push(setting.trim());
  if (/^(?:localforward|remoteforward|dynamicforward|tunnel)$/.test(name) && value !== 'no') {
    invocation.forwards.push({ option: `${option} ${name}`, text: value });
  }
  if (/^(?:proxycommand|localcommand|knownhostscommand|proxyusefdpass)$/.test(name)) {
    invocation.attached.push({ option: name, program: value, on_socket: false });
    if (name === 'proxycommand') invocation.redirects.push({ option: name, value });
  }
  if (name === 'proxyjump') addJump(invocation, name, value);
  if (name === 'hostname') {
    invocation.redirects.push({ option: name, value });
    invocation.peers.push(hostPeer(value, undefined, 'connect'));
  }
  if (name === 'identityfile') addRead(invocation, name, value, context.cwd);
}

function addJump(invocation: Invocation, option: string, value: string): void {
  invocation.redirects.push({ option, value });
  for (const hop of value.split(',', 8)) invocation.peers.push(parsePeer(hop, 'proxy'));
}

/** What an option of ssh, scp or sftp says about the connection. */
export function readShared(invocation: Invocation, option: ReadOption, context: ArgumentContext): void {
  const value = option.value ?? '';
  if (FORWARDS.has(option.id)) invocation.forwards.push({ option: option.text, text: value });
  if (option.id === 'W' || option.id === 'nc') invocation.redirects.push({ option: option.text, value });
  if (option.id === 'J') addJump(invocation, option.text, value);
  if (option.id === 'o') readSetting(invocation, option.text, value, context);
  if (option.id === 'i' || option.id === 'F') addRead(invocation, option.text, value, context.cwd);
  if (option.id === 'E') addWrite(invocation, option.text, value, context.cwd);
  if (option.id === 'pw') invocation.credentials.push(option.text);
  if (option.id === 'y') invocation.unchecked.push(option.text);
}

function targetPeer(target: string, port: string | undefined) {
  if (/^ssh:\/\//i.test(target)) return urlPeer(target, 'connect') ?? parsePeer(target, 'connect');
  const host = target.slice(target.lastIndexOf('@') + 1);
  return { ...hostPeer(host, port ?? '22', 'connect', 'ssh'), text: target };
}

function sshParser(tool: string, grammar: CompiledGrammar, port: string): ArgumentParser {
  return (words, context) => {
    const invocation = emptyInvocation(tool);
    const first = readArguments(grammar, words);
    const [host, ...rest] = first.operands;
    // Options may stand between host and command: read on from there.
    const second = readArguments(grammar, rest);
    const options = [...first.options, ...second.options];
    invocation.leftover.push(...first.leftover, ...second.leftover);
    for (const option of options) {
      if (option.id === 'y' && tool === 'ssh') continue;
      readShared(invocation, option, context);
    }
    if (options.some((option) => option.id === 'V')) markInert(invocation, 'version');
    if (options.some((option) => option.id === 'h' || option.id === 'Q' || option.id === 'G'))
      markInert(invocation, 'help');
    if (host === undefined) {
      markInert(invocation, 'no_operand');
      return invocation;
    }
    const wanted = options.findLast((option) => option.id === port)?.value;
    invocation.peers.unshift(targetPeer(host, wanted));
    if (second.operands.length > 0) invocation.remote_command = second.operands.join(' ');
    return invocation;
  };
}

export const parseSsh = sshParser('ssh', SSH, 'p');
export const parseDbclient = sshParser('dbclient', DROPBEAR, 'p');
export const parsePlink = sshParser('plink', PLINK, 'P');
