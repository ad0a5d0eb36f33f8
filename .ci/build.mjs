// Fills dist/: the compiled sources, and the data files that stand beside them in src/.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
for (const file of readdirSync(join(root, 'src'), { recursive: true })) {
  if (/\.(gz|html|css|svg|yaml)$/.test(file)) cpSync(join(root, 'src', file), join(root, 'dist', file));
}
chmodSync(join(root, 'dist/main.js'), 0o755);
