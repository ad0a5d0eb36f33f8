import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { startCriServer } from './cri-server.ts';
import { type FalcoServer, startFalco } from './falco-server.ts';
import type { Bench } from './lanner.ts';
import { openReceiver } from './receiver.ts';
import { recordedMessages } from './recordings.ts';
import { startAgent } from './tetragon-agent.ts';

/**
 * Sensors of each kind, a container runtime, receivers that take, refuse and are away; and the configuration of a
 * Lanner among them. Falco's queue is empty: push messages.
 */
export async function everything(bench: Bench): Promise<{ config: string; falco: FalcoServer }> {
  const { folder } = bench;
  const agent = await startAgent(`unix://${folder}/tetragon.sock`, {
    onStream: (stream) => {
      for (const message of recordedMessages('tetragon/scenario-k8s')) stream.write(message);
    },
  });
  bench.later(agent.kill);
  const falco = await startFalco({ address: `unix://${folder}/falco.sock`, version: '0.43.1' });
  bench.later(falco.kill);
  const cri = await startCriServer(`${folder}/containerd.sock`);
  bench.later(cri.stop);
  const fine = await openReceiver();
  bench.later(fine.close);
  const refusing = await openReceiver();
  bench.later(refusing.close);
  refusing.answer = (_request, response) => response.writeHead(400).end();
  const away = await openReceiver();
  await away.close();
  const recording = join(import.meta.dirname, '../fixtures/recordings/tetragon/scenario-k8s.export.jsonl.gz');
  mkdirSync(`${folder}/export`);
  writeFileSync(`${folder}/export/tetragon.log`, gunzipSync(readFileSync(recording)));
  const path = bench.config(`
shutdown_secs: 0.2
sources:
  agent: {type: tetragon, address: "unix://${folder}/tetragon.sock"}
  export: {type: tetragon_file, path: "${folder}/export/tetragon.log", from: start}
  falco: {type: falco_grpc, address: "unix://${folder}/falco.sock", poll_max_ms: 100}
  posted: {type: falco_http, listen: "127.0.0.1:0", path: /secret, relay: {url: "${fine.url}"}}
sinks:
  fine: {type: webhook, url: "${fine.url}"}
  refusing: {type: webhook, url: "${refusing.url}"}
  away: {type: webhook, url: "${away.url}", retry_initial_secs: 0.05}
  kept: {type: file, path: "${folder}/findings.jsonl"}
route:
  sinks: [fine, refusing, away, kept]
  routes:
  - {match: {workload: nobody}, sinks: [fine]}
exceptions:
  - {name: curls, match: {tool: curl}, mode: hide, reason: a test}
canary: {enabled: true, interval_secs: 1, within_secs: 0.2, misses: 1, sources: [agent]}
`);
  const text = readFileSync(path, 'utf8').replace(
    'enrich: {enabled: false}',
    `enrich: {runtimes: ["${folder}/containerd.sock"], kubernetes: {mode: "off"}}`,
  );
  writeFileSync(path, text);
  return { config: path, falco };
}
