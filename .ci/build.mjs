// Fills dist/: the bundle and its command dist/main.js, which are what is published; the data files that stand beside
// the sources; and every module by itself, for benchmarks and generators.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
for (const file of readdirSync(join(root, 'src'), { recursive: true })) {
  if (/\.(gz|html|css|svg|yaml)$/.test(file)) cpSync(join(root, 'src', file), join(root, 'dist', file));
}
await bundle();
writeFileSync(join(root, 'dist/main.js'), "#!/usr/bin/env node\nimport './bundle/main.cjs';\n");
chmodSync(join(root, 'dist/main.js'), 0o755);
