// The software bill of materials, CycloneDX: what npm knows, and what an image holds beside it.
//   node deploy/image/sbom.mjs [FILE]   the packages of npm alone
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { manifest, parts, root } from './app.mjs';

/** `debian`: packages as { name, version, arch }. The same for the same input: no time, no serial number. */
export function sbom(debian = [], arch) {
  const text = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const bom = JSON.parse(text);
  delete bom.serialNumber;
  delete bom.metadata.timestamp;
  bom.metadata.component.name = manifest.name;
  if (arch === undefined) return bom;
  bom.metadata.component.type = 'container';
  bom.components.push(
    {
      type: 'application',
      'bom-ref': `node@${parts.node}`,
      name: 'node',
      version: parts.node,
      purl: `pkg:npm/node-linux-${parts.architectures[arch].npm}@${parts.node}`,
      licenses: [{ license: { id: 'MIT' } }],
    },
    ...debian.map(({ name, version }) => ({
      type: 'library',
      'bom-ref': `deb:${name}@${version}`,
      name,
      version,
      purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${arch}&distro=${parts.debian}`,
    })),
  );
  return bom;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = `${JSON.stringify(sbom(), null, 2)}\n`;
  if (process.argv[2] === undefined) process.stdout.write(text);
  else writeFileSync(process.argv[2], text);
}
