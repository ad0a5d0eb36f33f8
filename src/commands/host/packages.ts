import type { Host } from './host.ts';
import { type HostProcess, readAs } from './processes.ts';

/** The version of an installed package, by the lists that dpkg and apk keep, as the process sees them. */
export function packageVersion(
  host: Host,
  process: HostProcess | undefined,
  name: string,
): string | undefined {
  const dpkg = readAs(host, process, '/var/lib/dpkg/status') ?? '';
  const entry = dpkg.split('\n\n').find((one) => one.startsWith(`Package: ${name}\n`));
  if (entry !== undefined && /^Status: .* installed$/m.test(entry))
    return plain(/^Version: (.+)$/m.exec(entry)?.[1]);
  const apk = readAs(host, process, '/lib/apk/db/installed') ?? '';
  const installed = apk.split('\n\n').find((one) => one.split('\n').includes(`P:${name}`));
  return plain(/^V:(.+)$/m.exec(installed ?? '')?.[1]);
}

/** Without the packager's own revision. */
function plain(version: string | undefined): string | undefined {
  return version?.replace(/^\d+:/, '').replace(/-[^-]*$/, '');
}

/** The systemd unit's file, if there is one by one of these names. */
export function unitOf(host: Host, names: readonly string[]): string | undefined {
  const folders = [
    '/etc/systemd/system',
    '/run/systemd/system',
    '/usr/lib/systemd/system',
    '/lib/systemd/system',
  ];
  return folders
    .flatMap((folder) => names.map((name) => `${folder}/${name}`))
    .find((path) => host.stat(path) !== undefined);
}
