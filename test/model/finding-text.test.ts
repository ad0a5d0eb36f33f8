import { describe, expect, it } from 'vitest';
import { textOf } from '../../src/model/finding-text.ts';
import { aFinding } from '../support/finding.ts';

describe('the text of a finding', () => {
  const plain = aFinding();
  const context = [{ time: plain.time, text: 'curl "a\\b" }]' }] as NonNullable<typeof plain.context>;

  it('is its JSON, and the same without the context', () => {
    const whole = { ...plain, context };
    expect(textOf(whole)).toEqual({ whole: JSON.stringify(whole), kept: JSON.stringify(plain) });
    expect(textOf(plain)).toEqual({ whole: JSON.stringify(plain), kept: JSON.stringify(plain) });
  });

  it('is that of the finding asked for, whichever was asked for before', () => {
    const other = { ...plain, id: 'f-other' };
    expect(textOf(plain).whole).toContain(plain.id);
    expect(textOf(other).whole).toContain('f-other');
    expect(textOf(plain).whole).toBe(JSON.stringify(plain));
  });
});
