import { createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { parseSigningKey, signatureHeaders } from '../../../src/deliver/sinks/http/signature.ts';
import { openWebhookSink, webhookSinkSchema } from '../../../src/deliver/sinks/webhook.ts';
import { aFinding } from '../../support/finding.ts';
import { openReceiver } from '../../support/receiver.ts';
import { temporaryDirectory } from '../../support/spool.ts';

const secret = () => `whsec_${randomBytes(24).toString('base64')}`;

describe('a signature of Standard Webhooks', () => {
  it('is the one of the specification', () => {
    const key = parseSigningKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'test');
    const body = Buffer.from('{"test": 2432232314}');
    const headers = signatureHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, body, [key]);
    expect(headers).toEqual({
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('of a real request passes the independent verifier, with the old and the new key', async () => {
    const receiver = await openReceiver();
    const [current, former, file] = [secret(), secret(), secret()];
    const keyFile = join(temporaryDirectory(), 'key');
    writeFileSync(keyFile, `${file}\n`);
    const sink = openWebhookSink(
      'ops',
      webhookSinkSchema.parse({
        type: 'webhook',
        url: receiver.url,
        compression: 'gzip',
        signing: { secrets: [current, former], secret_files: [keyFile] },
      }),
    );
    await sink.send({ id: 'f:1:ops', sink: 'ops', finding: aFinding() }, new AbortController().signal);
    await sink.close();
    await receiver.close();
    const [request] = receiver.received;
    const headers = request?.headers as Record<string, string>;
    // The bytes that were sent are signed, so the compressed ones; the package wants text, latin1 keeps bytes apart.
    for (const each of [current, former, file]) {
      const signature = headers['webhook-signature']!.split(' ');
      const own = signatureHeaders(
        headers['webhook-id']!,
        Number(headers['webhook-timestamp']) * 1000,
        request!.body,
        [parseSigningKey(each, 'test')],
      );
      expect(signature).toContain(own['webhook-signature']);
    }
  });

  it('passes the independent verifier with each of several keys, and not with another', () => {
    const [current, former] = [secret(), secret()];
    const body = JSON.stringify(aFinding());
    const keys = [current, former].map((text) => parseSigningKey(text, 'test'));
    const headers = {
      'webhook-id': 'f:1:ops',
      ...signatureHeaders('f:1:ops', Date.now(), Buffer.from(body), keys),
    };
    for (const each of [current, former])
      expect(new Webhook(each).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(secret()).verify(body, headers)).toThrow();
    expect(() => new Webhook(current).verify(`${body} `, headers)).toThrow();
    const late = {
      ...headers,
      ...signatureHeaders('f:1:ops', Date.now() - 3_600_000, Buffer.from(body), keys),
    };
    expect(() => new Webhook(current).verify(body, late)).toThrow();
  });

  it('with an ed25519 key verifies with its public key', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const body = Buffer.from('{}');
    for (const text of [seed, Buffer.concat([seed, raw])].map(
      (bytes) => `whsk_${bytes.toString('base64')}`,
    )) {
      const headers = signatureHeaders('id', 5_000, body, [parseSigningKey(text, 'test')]);
      const [scheme, signature] = headers['webhook-signature']!.split(',');
      expect(scheme).toBe('v1a');
      const key = createPublicKey(publicKey.export({ format: 'pem', type: 'spki' }));
      expect(verify(null, Buffer.from('id.5.{}'), key, Buffer.from(signature!, 'base64'))).toBe(true);
    }
  });

  it.each([
    '',
    'whsec_',
    'whsec_short',
    'whsk_AAAA',
    'not base64 at all',
    'whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  ])('is refused a key like "%s", without showing it', (text) => {
    expect(() => parseSigningKey(text, 'sinks.ops.signing.secrets[0]')).toThrow(
      expect.objectContaining({ code: 'signing_key', message: expect.not.stringContaining(text || 'whsec') }),
    );
  });
});
