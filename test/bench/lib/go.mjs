// The Go client, built once where Go and its module proxy can be had.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../go', import.meta.url));
let built;

/** `{binary, protos}` (upstream's .proto files), or `{reason}`. */
export function goClient(folder) {
  built ??= build(join(folder, 'go-client'));
  return built;
}

function build(binary) {
  const options = { cwd: source, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', timeout: 300_000 };
  try {
    execFileSync('go', ['build', '-buildvcs=false', '-o', binary, '.'], options);
    const module = execFileSync('go', ['list', '-m', '-f', '{{.Dir}}', 'github.com/cilium/tetragon/api'], options).trim();
    const protos = join(module, 'v1');
    return { binary, ...(existsSync(join(protos, 'tetragon/sensors.proto')) && { protos }) };
  } catch (error) {
    return { reason: error.code === 'ENOENT' ? 'there is no Go here' : `go build failed: ${String(error.stderr ?? error.message).trim().split('\n').at(-1)}` };
  }
}
