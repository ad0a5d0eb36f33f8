import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatsReference } from '../../src/commands/formats.ts';
import { sinkSchema } from '../../src/deliver/sinks/index.ts';
import { webhookSinkSchema } from '../../src/deliver/sinks/webhook.ts';

const deploy = (path: string) => readFileSync(join(import.meta.dirname, '../../deploy', path), 'utf8');
const page = formatsReference({
  discord: deploy('templates/discord.liquid'),
  google_chat: deploy('templates/google-chat.liquid'),
});

describe('deploy/reference/formats.md', () => {
  it('is what `npm run generate` would write now', () => {
    // A boolean: the difference of two long pages helps nobody.
    expect(deploy('reference/formats.md') === page, 'stale: run npm run generate').toBe(true);
  });

  it('has a row for every format, and says how a sink asks for it', () => {
    const named: string[] = webhookSinkSchema.shape.format.unwrap().options;
    expect(named.length).toBeGreaterThan(5);
    for (const name of named.filter((one) => one !== 'cloudevents_binary'))
      expect(page).toMatch(new RegExp(`^\\| ${name} \\| \`type: `, 'm'));
    const types = sinkSchema.options.map(({ shape }) => shape.type.value);
    for (const type of types.filter((one) => one !== 'stdout' && one !== 'file'))
      expect(page).toContain(`type: ${type}`);
  });

  it('shows each example as each receiver for people shows it', () => {
    const sections = page.split('\n## ').slice(1);
    expect(sections).toHaveLength(4);
    for (const section of sections) {
      const names = [...section.matchAll(/<th valign="top">([^<]+)<\/th>/g)].map((match) => match[1]);
      expect(names).toEqual(['Slack', 'Teams', 'Discord', 'Google Chat', 'PagerDuty', 'Alertmanager']);
      const shown = [...section.matchAll(/<pre>([^<]*)<\/pre>/g)].map((match) => match[1]!);
      expect(shown).toHaveLength(names.length);
      // An empty line would end the table for a reader of Markdown.
      for (const text of shown) expect(text).not.toMatch(/^\s*$|\n\s*\n/);
    }
  });

  it('tells of a finding what, where, why, the ancestors and what to do, whoever shows it', () => {
    const [finding] = page.split('\n## ').slice(1);
    const shown = [...finding!.matchAll(/<pre>([^<]*)<\/pre>/g)].map((match) => match[1]!);
    for (const text of shown) {
      expect(text).toContain('curl executed in shop/orders-api-0');
      expect(text).toContain('it descends from php-fpm');
      expect(text).toMatch(/└─ php-fpm\n\s*└─ sh -c/);
      expect(text).toContain('kubectl -n shop describe pod orders-api-0');
    }
  });
});
