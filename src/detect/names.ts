import { words } from '../lib/words.ts';
/** Families of program names: what a file name alone tells. */

/** The last component of a path, without the kernel's ` (deleted)`. */
export function baseName(path: string): string {
  const clean = path.endsWith(' (deleted)') ? path.slice(0, -10) : path;
  return clean.slice(clean.lastIndexOf('/') + 1);
}

const shells = new Set(
  words(`
  sh bash dash ash ksh ksh93 mksh lksh oksh pdksh zsh rbash rzsh yash posh fish csh tcsh bash-static
  zsh-static static-sh sash hush elvish nu xonsh zsh5
`),
);

/** The shell's name, login dash taken off; undefined for other programs. */
export function shellName(name: string): string | undefined {
  const plain = name.startsWith('-') ? name.slice(1) : name;
  if (shells.has(plain)) return plain;
  const versionless = plain.replace(/-?[0-9.]+$/, '');
  return versionless !== plain && shells.has(versionless) ? versionless : undefined;
}

/** Canonical tool id of each interpreter that takes code in its arguments. */
const interpreters = new Map<string, string>([
  ['python', 'python'],
  ['pypy', 'python'],
  ['python-static', 'python'],
  ['ipython', 'python'],
  ['micropython', 'python'],
  ['platform-python', 'python'],
  ['perl', 'perl'],
  ['perl-static', 'perl'],
  ['suidperl', 'perl'],
  ['ruby', 'ruby'],
  ['jruby', 'ruby'],
  ['irb', 'ruby'],
  ['node', 'node'],
  ['nodejs', 'node'],
  ['bun', 'node'],
  ['deno', 'node'],
  ['electron', 'node'],
  ['qjs', 'node'],
  ['php', 'php'],
  ['php-cli', 'php'],
  ['php-cgi', 'php'],
  ['lua', 'lua'],
  ['luajit', 'lua'],
  ['lua-static', 'lua'],
  ['texlua', 'lua'],
  ['gawk', 'gawk'],
  ['awk', 'gawk'],
  ['mawk', 'gawk'],
  ['nawk', 'gawk'],
  ['original-awk', 'gawk'],
  ['tclsh', 'tclsh'],
  ['jimsh', 'tclsh'],
  ['wish', 'tclsh'],
  ['expect', 'tclsh'],
  ['jrunscript', 'jrunscript'],
  ['jjs', 'jrunscript'],
  ['jshell', 'jrunscript'],
  ['julia', 'julia'],
  ['go', 'go'],
  ['pwsh', 'powershell'],
  ['powershell', 'powershell'],
]);

/** Canonical id of an interpreter (`python3.11` is `python`), or undefined. */
export function interpreterId(name: string): string | undefined {
  const direct = interpreters.get(name);
  if (direct !== undefined) return direct;
  const last = name.charCodeAt(name.length - 1);
  if (last < 0x30 || last > 0x39) return undefined;
  return interpreters.get(name.replace(/-?[0-9.]+$/, ''));
}

/** Names without version, for the early test. */
export const interpreterNames: readonly string[] = [...interpreters.keys()];
export const shellNames: readonly string[] = [...shells];

/** Dynamic loaders, which run the program in their arguments. */
export function isLoader(name: string): boolean {
  return (
    (name.startsWith('ld-') && /^ld-(?:linux|musl|uClibc|elf|[0-9]).*\.so/.test(name)) ||
    name === 'ld.so' ||
    name === 'ld64.so'
  );
}

/** Programs that are many programs, by the name they are started by. */
export function multiCallKind(name: string): 'busybox' | 'toybox' | undefined {
  if (name === 'busybox' || name === 'sbase-box' || name === 'ubase-box' || name === 'BusyBox')
    return 'busybox';
  if (name === 'toybox') return 'toybox';
  if (/^busybox[-._0-9]|[._-]busybox$/.test(name)) return 'busybox';
  if (/^toybox[-._0-9]|[._-]toybox$/.test(name)) return 'toybox';
  return undefined;
}

const runtimes =
  /^(?:containerd-shim.*|containerd|runc|crun|youki|conmon.*|dockerd|docker-init-host|kubelet|crio|podman|systemd|runsc|kata-.*|firecracker|nerdctl|runc-dmz|dockerd-rootless.*|rootlesskit)$/;

/** Programs that start containers: the end of the chain when the sensor does not say where they run. */
export function isRuntime(name: string): boolean {
  return runtimes.test(name);
}

/** True for the ways a file is executed through a descriptor. */
export function isDescriptorPath(path: string): boolean {
  return path.startsWith('/dev/fd/') || /^\/proc\/(?:self|thread-self|[0-9]+)\/fd\//.test(path);
}
/** True for a program that starts its own file again. */
export function isSelfExe(path: string): boolean {
  return path === '/proc/self/exe' || /^\/proc\/[0-9]+\/exe$/.test(path);
}
/** True for a file that lies in memory only. */
export function isMemfdPath(path: string): boolean {
  return path.startsWith('/memfd:') || path.startsWith('memfd:');
}

/** Places that a path alone shows to be odd for a program: memory, descriptors, writable or hidden directories. */
export function isOddPath(path: string): boolean {
  return (
    isMemfdPath(path) ||
    isDescriptorPath(path) ||
    path.includes('/.') ||
    /^\/(?:tmp|var\/tmp|dev|run|var\/run|var\/lock|mnt|media|usr\/tmp)\//.test(path)
  );
}
