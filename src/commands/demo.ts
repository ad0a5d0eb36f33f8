import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../config.ts';
import { compareSeverity } from '../model/finding.ts';
import { openService } from '../service/index.ts';
import { wait } from '../sources/backoff.ts';
import { silentLog } from '../telemetry/log.ts';
import { version } from '../version.ts';
import { playingAgent, recordedMessages } from './demo/agent.ts';
import { startReceiver } from './demo/receiver.ts';
import { exitCodes } from './exit-codes.ts';
import { stopSignal } from './signals.ts';
import { paintFor, renderFinding, renderLine } from './terminal.ts';

const recording = fileURLToPath(new URL('./demo/recording.bin.gz', import.meta.url));
/** However slow the machine: then the demo says what is missing and ends. */
const LONGEST_MS = 25_000;

/**
 * The main job on one terminal: an embedded gRPC server plays a real recording, the real client reads it, the
 * real delivery posts what is found to an embedded receiver, which prints it. Ends by itself unless `follow`.
 */
export async function demo(options: { follow: boolean; speed: number; json: boolean }): Promise<number> {
  const began = performance.now();
  const out = process.stdout;
  const paint = paintFor(out, process.env);
  const folder = mkdtempSync(join(tmpdir(), 'lanner-demo-'));
  const address = `unix://${folder}/tetragon.sock`;
  const messages = await recordedMessages(recording);
  const receiver = await startReceiver((finding) => {
    if (options.json) return void out.write(`${JSON.stringify(finding)}\n`);
    const full = compareSeverity(finding.severity, 'high') >= 0;
    out.write(full ? `${renderFinding(finding, paint)}\n` : `${renderLine(finding, paint)}\n\n`);
  });
  const agent = await playingAgent(address, messages, options.speed);
  const config = parseConfig(
    `version: 1
sources: {tetragon: {type: tetragon, address: "${address}"}}
sinks: {receiver: {type: webhook, url: "${receiver.url}"}}
http: {listen: "127.0.0.1:0"}
durable: false
enrich: {enabled: false}
`,
    'demo',
  );
  let made = 0;
  const service = openService({
    config,
    version,
    log: silentLog,
    onFinding: () => void ++made,
  });
  const signal = stopSignal();
  const { http } = await service.start();
  const comment = (text: string) => {
    if (!options.json) out.write(paint('dim', text));
  };
  comment(
    `A Tetragon-protocol gRPC server plays a recording of a real agent (${messages.length} events) at\n${address};\nLanner subscribes to it, judges, and posts its findings to ${receiver.url}.\nHealth and metrics: ${http}/healthz /metrics\n\n`,
  );
  const counts = service.pipeline.intake('tetragon').counts;
  const all = async () => {
    await agent.played;
    while (counts.messages < messages.length) await wait(5, AbortSignal.timeout(1_000));
    await service.pipeline.idle();
  };
  const patience = new AbortController();
  await Promise.race([all(), signal, wait(LONGEST_MS, patience.signal)]);
  patience.abort();
  if (options.follow) {
    comment('The recording is over; the connection stays open. Ctrl-C ends.\n');
    await signal;
  }
  await service.stop(5_000);
  agent.stop();
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
  const lost = made - receiver.received.size + (messages.length - counts.messages);
  const seconds = Number(((performance.now() - began) / 1000).toFixed(1));
  if (options.json) {
    const { messages: read, execs, container_execs, early_rejected, judged, unreadable } = counts;
    const delivered = receiver.received.size;
    const summary = { messages: read, execs, container_execs, early_rejected, judged, unreadable };
    out.write(`${JSON.stringify({ summary: { ...summary, findings: made, delivered, lost, seconds } })}\n`);
  } else
    out.write(
      `${paint('bold', 'Summary')}  ${counts.messages} events read (${counts.execs} execs, ${counts.container_execs} in containers), ${counts.early_rejected} dismissed on bytes, ${counts.judged} judged, ${made} findings, ${counts.unreadable} unreadable, ${seconds.toFixed(1)} s\ndelivered ${receiver.received.size} lost ${lost}\n`,
    );
  return lost === 0 ? exitCodes.ok.code : exitCodes.undelivered.code;
}
