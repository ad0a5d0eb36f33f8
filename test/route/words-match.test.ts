import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArgvQuality, Program } from '../../src/model/exec-event.ts';
import { commandLine, wordAt, wordsAre, wordsHave } from '../../src/route/words-match.ts';

function exact(...words: string[]): Program {
  return { argv: ['curl', ...words], argv_quality: 'exact', argv0_known: true };
}
function joined(text: string, argv_quality: ArgvQuality = 'split'): Program {
  return { argv: ['curl', ...text.split(' ')], argv_quality, argv0_known: true, arguments: text };
}

describe('all words', () => {
  it.each([
    ['the same words', ['-s', 'http://h/'], exact('-s', 'http://h/'), 'yes'],
    ['a glob for a word', ['-s', 'http://h/**'], exact('-s', 'http://h/a/b'), 'yes'],
    ['a star that would cross a slash', ['http://h/*'], exact('http://h/a/b'), 'no'],
    ['one word more', ['-s'], exact('-s', '-k'), 'no'],
    ['one word less', ['-s', '-k'], exact('-s'), 'no'],
    ['another order', ['-s', '-k'], exact('-k', '-s'), 'no'],
    ['no words', [], exact(), 'yes'],
    ['one joined word', ['-V'], joined('-V'), 'yes'],
    ['joined words that may have been these', ['-s', '-k'], joined('-s -k'), 'unknown'],
    ['joined words that may have been one', ['-s -k'], joined('-s -k'), 'unknown'],
    ['joined words that cannot have been these', ['-s', '-x'], joined('-s -k'), 'no'],
    ['a quoted word that may hold its quotes', ['a'], joined('"a"'), 'unknown'],
    ['words that were cut', ['-s'], joined('-s', 'truncated'), 'unknown'],
    ['words that were lost', ['-s'], { ...joined('-s', 'lost') }, 'unknown'],
  ] as [string, string[], Program, string][])('%s', (_what, patterns, program, is) => {
    expect(wordsAre(patterns)(program).is).toBe(is);
  });
});

describe('some words', () => {
  it.each([
    ['a word that is there', ['-k'], exact('-s', '-k'), 'yes'],
    ['a part of a word', ['-k'], exact('-kx'), 'no'],
    ['two of which one is missing', ['-k', '-x'], exact('-k'), 'no'],
    ['a word that must not be there', ['!-k'], exact('-s'), 'yes'],
    ['a word that must not be there and is', ['!-k'], exact('-k'), 'no'],
    ['the name of the program is no argument', ['curl'], exact('-s'), 'no'],
    ['a joined word that may be part of another', ['-k'], joined('-s -k'), 'unknown'],
    ['a joined word that cannot be there', ['-x'], joined('-s -k'), 'no'],
    ['a glob that fits some word of each split', ['**k'], joined('-s -k'), 'yes'],
    ['a word that must not be there and may be', ['!-k'], joined('-s -k'), 'unknown'],
    ['a word that must not and cannot be there', ['!-x'], joined('-s -k'), 'yes'],
    ['words that were lost', ['-k'], joined('', 'lost'), 'unknown'],
  ] as [string, string[], Program, string][])('%s', (_what, patterns, program, is) => {
    expect(wordsHave(patterns)(program).is).toBe(is);
  });
});

describe('one word at its place', () => {
  it.each([
    ['the first', 1, '-s', exact('-s', '-k'), 'yes'],
    ['another at that place', 2, '-s', exact('-s', '-k'), 'no'],
    ['a place beyond the end', 3, '**', exact('-s', '-k'), 'no'],
    ['the last', 'last', '-k', exact('-s', '-k'), 'yes'],
    ['no last', 'last', '**', exact(), 'no'],
    ['the only joined word', 1, '-V', joined('-V'), 'yes'],
    ['the first of joined words', 1, '-s', joined('-s -k'), 'unknown'],
    ['a first that fits however split', 1, '-s**', joined('-s -k'), 'yes'],
    ['a last that fits however split', 'last', '**k', joined('-s -k'), 'yes'],
    ['a second there may not be', 2, '**', joined('-s -k'), 'unknown'],
    ['one that cannot be there', 1, '-k', joined('-s -k'), 'no'],
    ['words that were cut', 1, '-s', joined('-s', 'truncated'), 'unknown'],
  ] as [string, number | 'last', string, Program, string][])('%s', (_what, place, pattern, program, is) => {
    expect(wordAt(place, [pattern])(program).is).toBe(is);
  });
});

describe('the whole command line', () => {
  const same = commandLine((line) => line === 'curl -s -k', 'same');
  it.each([
    ['exact words', exact('-s', '-k'), 'yes'],
    ['joined words', joined('-s -k'), 'yes'],
    ['another', exact('-s'), 'no'],
    ['cut words', joined('-s -k', 'truncated'), 'unknown'],
  ] as [string, Program, string][])('%s', (_what, program, is) => {
    expect(same(program).is).toBe(is);
  });
});

describe('any way the words may have been', () => {
  const word = fc.stringMatching(/^[ab*"]{1,3}( [ab]{1,2})?$/);
  const patterns = fc.array(fc.constantFrom('a', 'b', 'ab', '**', 'a*', 'a b', '"a"', '!a'), {
    maxLength: 3,
  });

  it('a joined string is decided only as the exact words would be', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), patterns, (words, wanted) => {
        const text = words.join(' ');
        const plain = wanted.filter((one) => !one.startsWith('!'));
        const places = [1, 2, 'last'] as const;
        for (const test of [wordsHave(wanted), wordsAre(plain), ...places.map((at) => wordAt(at, plain))]) {
          const seen = test(joined(text)).is;
          if (seen !== 'unknown' && words.length > 0) expect(seen).toBe(test(exact(...words)).is);
        }
      }),
    );
  });

  it('words the sensor quoted are decided only as the exact words would be', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), patterns, (words, wanted) => {
        const text = words.map((one) => (one.includes(' ') ? `"${one}"` : one)).join(' ');
        const seen = wordsHave(wanted)(joined(text)).is;
        if (seen !== 'unknown') expect(seen).toBe(wordsHave(wanted)(exact(...words)).is);
      }),
    );
  });

  /** Every list of words that gives this text when it is joined with blanks. */
  function splitsOf(text: string): string[][] {
    const pieces = text.split(' ');
    return Array.from({ length: 2 ** (pieces.length - 1) }, (_, joints) => {
      const words: string[] = [];
      for (const [at, piece] of pieces.entries())
        if (at > 0 && ((joints >> (at - 1)) & 1) === 1) words[words.length - 1] += ` ${piece}`;
        else words.push(piece);
      return words;
    });
  }

  it('is decided where every way to split agrees, and only there', () => {
    const piece = fc.constantFrom('a', 'b', 'ab', '-k', '/x/y');
    const pattern = fc.constantFrom('a', 'b', 'a b', '**', 'a*', '**b', '-k', '/x/*', 'a /x/y');
    const tests = fc.oneof(
      fc.array(pattern, { maxLength: 3 }).map((all) => wordsAre(all)),
      pattern.map((one) => wordsHave([one])),
      pattern.map((one) => wordsHave([`!${one}`])),
      fc
        .tuple(fc.constantFrom<(number | 'last')[]>(1, 2, 3, 'last'), pattern)
        .map(([at, one]) => wordAt(at, [one])),
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), tests, (pieces, test) => {
        const text = pieces.join(' ');
        const answers = new Set(splitsOf(text).map((words) => test(exact(...words)).is));
        expect(test(joined(text)).is).toBe(answers.size === 1 ? [...answers][0] : 'unknown');
      }),
      { numRuns: 2000 },
    );
  });
});
