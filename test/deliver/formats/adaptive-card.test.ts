import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { fixture } from '../../support/fixtures.ts';

/** The package's own modules do not load in Node without a bundler; its bundle does. */
const cards = createRequire(import.meta.url)(
  'adaptivecards/dist/adaptivecards.js',
) as typeof import('adaptivecards');

function complaints(card: object): string[] {
  const context = new cards.SerializationContext();
  new cards.AdaptiveCard().parse(card, context);
  return Array.from({ length: context.eventCount }, (_, i) => context.getEventAt(i).message);
}

describe('Adaptive Cards, read by their own library', () => {
  it.each(['finding', 'group', 'bare', 'notice_started', 'notice_ended'])('of a %s are valid', (name) => {
    const { body } = JSON.parse(readFileSync(fixture(`formats/teams.${name}.json`), 'utf8')) as {
      body: { attachments: { contentType: string; content: object }[] };
    };
    for (const { contentType, content } of body.attachments) {
      expect(contentType).toBe('application/vnd.microsoft.card.adaptive');
      expect(complaints(content)).toEqual([]);
    }
  });

  it('would be refused if they were not', () => {
    const card = { type: 'AdaptiveCard', version: '1.4', body: [{ type: 'TextBlok', text: 'x' }] };
    expect(complaints(card)).toHaveLength(1);
  });
});
