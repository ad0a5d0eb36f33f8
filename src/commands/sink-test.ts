import { loadConfig } from '../config.ts';
import { preview } from '../deliver/preview.ts';
import type { ProbedSink } from '../deliver/sinks/http/sink.ts';
import type { Exchange } from '../deliver/sinks/http/transport.ts';
import { openSink } from '../deliver/sinks/index.ts';
import { holdingClock } from '../lib/clock.ts';
import { LannerError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import type { Delivery, Outcome, Sink } from '../model/delivery.ts';
import { exitCodes } from './exit-codes.ts';
import { printable } from './terminal.ts';
import { testFinding } from './test-finding.ts';

/**
 * `lanner sink test NAME`: sends a finding that says it is a test, and shows what was said and heard, and of a
 * message for people what they are likely to see; secrets are blanked. Ends with `found` if it did not arrive.
 */
export async function sinkTest(
  name: string,
  configFile: string,
  json: boolean,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const config = loadConfig(configFile);
  const chosen = config.sinks[name];
  if (!chosen) {
    const known = Object.keys(config.sinks);
    const near = nearest(name, known);
    throw new LannerError(
      'usage',
      `there is no sink ${JSON.stringify(name)}${near === undefined ? '' : `; did you mean ${near}?`}`,
      `Known: ${known.join(', ') || 'none'}.`,
    );
  }
  const sink = openSink(name, chosen, { clock: holdingClock, page_url: config.page_url });
  try {
    const finding = testFinding(new Date());
    const delivery: Delivery = { id: `${finding.id}:1:${name}`, sink: name, finding };
    const { outcome, exchanges } = await probe(sink, delivery);
    if (json) {
      write(`${JSON.stringify({ sink: name, outcome, exchanges })}\n`);
      return outcome.kind === 'delivered' ? exitCodes.ok.code : exitCodes.found.code;
    }
    const [first] = exchanges;
    const parts = [
      ...exchanges.map(exchangeText),
      ...(first === undefined ? [] : previewText(first.request_body)),
      outcomeText(outcome),
    ];
    write(`${parts.join('\n')}\n`);
    return outcome.kind === 'delivered' ? exitCodes.ok.code : exitCodes.found.code;
  } finally {
    await sink.close();
  }
}

async function probe(sink: Sink, delivery: Delivery): Promise<{ outcome: Outcome; exchanges: Exchange[] }> {
  const { signal } = new AbortController();
  if ('probe' in sink) return (sink as ProbedSink).probe(delivery, signal);
  return { outcome: await sink.send(delivery, signal), exchanges: [] };
}

function exchangeText(exchange: Exchange): string {
  const headers = (given: Record<string, string>, mark: string) =>
    Object.entries(given).map(([name, value]) => `${mark} ${name}: ${value}`);
  const answer =
    exchange.status === undefined
      ? ['< no answer']
      : [
          `< HTTP ${exchange.status} after ${exchange.took_ms} ms`,
          ...headers(exchange.response_headers ?? {}, '<'),
          '<',
          `< ${exchange.response_body ?? ''}`,
        ];
  return [
    `> ${exchange.method} ${exchange.url}`,
    ...headers(exchange.request_headers, '>'),
    '>',
    ...pretty(exchange.request_body).map((line) => `> ${line}`),
    ...answer,
  ].join('\n');
}

function previewText(body: string): string[] {
  const lines = preview(body);
  if (lines === undefined) return [];
  return [
    '',
    'What a person is likely to see:',
    '',
    ...lines.map((line) => `  ${printable(line, 500)}`.trimEnd()),
    '',
  ];
}

function pretty(body: string): string[] {
  try {
    return JSON.stringify(JSON.parse(body), null, 2).split('\n');
  } catch {
    return body.split('\n');
  }
}

function outcomeText(outcome: Outcome): string {
  if (outcome.kind === 'delivered') return 'delivered';
  const what =
    outcome.kind === 'retry'
      ? 'not delivered; Lanner would try again'
      : 'refused; Lanner would not repeat it as it is';
  return `${what}: ${outcome.reason}${outcome.detail === undefined ? '' : ` (${outcome.detail})`}`;
}
