import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/model/finding.ts';
import { textOf } from '../../src/model/finding-text.ts';
import { aFinding } from '../support/finding.ts';

const textsOf = (finding: Finding) => {
  const { whole, kept } = textOf(finding);
  return { whole, kept };
};

describe('the text of a finding', () => {
  const plain = aFinding();
  const context = [{ time: plain.time, text: 'curl "a\\b" }]' }] as NonNullable<typeof plain.context>;

  it('is its JSON, and the same without the context', () => {
    const whole = { ...plain, context };
    expect(textsOf(whole)).toEqual({ whole: JSON.stringify(whole), kept: JSON.stringify(plain) });
    expect(textsOf(plain)).toEqual({ whole: JSON.stringify(plain), kept: JSON.stringify(plain) });
  });

  it('is without the context wherever that stands', () => {
    for (const finding of [
      { context, ...plain },
      { ...plain, context: [] },
      { ...plain, context, last: { context } },
    ]) {
      const { context: _context, ...rest } = finding;
      expect(textsOf(finding)).toEqual({ whole: JSON.stringify(finding), kept: JSON.stringify(rest) });
    }
  });

  it('is that of the finding asked for, whichever was asked for before', () => {
    const other = { ...plain, id: 'f-other' };
    expect(textOf(plain).whole).toContain(plain.id);
    expect(textOf(other).whole).toContain('f-other');
    expect(textOf(plain).whole).toBe(JSON.stringify(plain));
  });
});
