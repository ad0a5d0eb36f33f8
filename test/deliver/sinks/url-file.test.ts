import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openSink, type SinkConfig, sinkSchema } from '../../../src/deliver/sinks/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Delivery } from '../../../src/model/delivery.ts';
import { aFinding } from '../../support/finding.ts';
import { openReceiver } from '../../support/receiver.ts';
import { temporaryDirectory } from '../../support/spool.ts';

const delivery: Delivery = { id: 'f-1a2b3c:1:ops', sink: 'ops', finding: aFinding() };
const never = new AbortController().signal;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe.each(['webhook', 'slack', 'teams'])('the sink %s with a url_file', (type) => {
  it('reads it for each attempt: a rotated URL works with the next one', async () => {
    const [first, second] = [await openReceiver(), await openReceiver()];
    const file = join(temporaryDirectory(), 'url');
    const sink = openSink('ops', sinkSchema.parse({ type, url_file: file }) as SinkConfig, {
      clock: systemClock,
    });
    closers.push(
      () => sink.close(),
      () => first.close(),
      () => second.close(),
    );
    writeFileSync(file, `${first.url}\n`);
    expect(await sink.send(delivery, never)).toMatchObject({ kind: 'delivered' });
    expect(await sink.send(delivery, never)).toMatchObject({ kind: 'delivered' });
    writeFileSync(file, second.url);
    expect(await sink.send(delivery, never)).toMatchObject({ kind: 'delivered' });
    expect([first.received.length, second.received.length]).toEqual([2, 1]);

    writeFileSync(file, 'htps://hooks.example/very-secret');
    const wrong = await sink.send(delivery, never);
    expect(wrong).toMatchObject({ kind: 'retry', reason: 'credentials_unreadable' });
    expect(JSON.stringify(wrong)).toContain(file);
    expect(JSON.stringify(wrong)).not.toContain('very-secret');
    rmSync(file);
    expect(await sink.send(delivery, never)).toMatchObject({
      kind: 'retry',
      reason: 'credentials_unreadable',
    });
  });

  it.each([
    ['neither url nor url_file', {}],
    ['both', { url: 'http://127.0.0.1:9/', url_file: '/run/secrets/url' }],
  ])('is refused with %s', (_what, address) => {
    const { error } = sinkSchema.safeParse({ type, ...address });
    expect(error?.issues).toMatchObject([{ path: ['url'], message: 'give one of url and url_file' }]);
  });
});
