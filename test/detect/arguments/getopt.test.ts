import { describe, expect, it } from 'vitest';
import { compileGrammar, readArguments } from '../../../src/detect/arguments/getopt.ts';

const GRAMMAR = compileGrammar({
  short: 'abo:g::r*',
  long: 'output=o verbose|v colour? create-dirs create-file=',
});

function read(...words: string[]) {
  const { options, operands, leftover } = readArguments(GRAMMAR, words);
  return {
    options: options.map((option) =>
      option.value === undefined ? option.id : `${option.id}=${option.value}`,
    ),
    operands,
    leftover,
  };
}

describe('the option reader', () => {
  it('reads clusters from left to right', () => {
    expect(read('-abox', 'y')).toEqual({ options: ['a', 'b', 'o=x'], operands: ['y'], leftover: [] });
  });
  it('lets the first letter with a value eat the rest of the word', () => {
    expect(read('-oab').options).toEqual(['o=ab']);
  });
  it('takes the next word where the value is not glued', () => {
    expect(read('-o', '-a').options).toEqual(['o=-a']);
  });
  it('takes an optional value only if it is glued', () => {
    expect(read('-g', 'x')).toMatchObject({ options: ['g'], operands: ['x'] });
    expect(read('-gx').options).toEqual(['g=x']);
  });
  it('gives all that follows to a letter that takes the rest', () => {
    expect(read('x', '-r', 'sh', '-a', '--output')).toMatchObject({
      options: ['r=sh -a --output'],
      operands: ['x'],
    });
  });
  it('reads long options with = and with the next word', () => {
    expect(read('--output=x', '--output', 'y', '--colour', 'z')).toMatchObject({
      options: ['o=x', 'o=y', 'colour'],
      operands: ['z'],
    });
  });
  it('completes unique abbreviations and no others', () => {
    expect(read('--outp=x').options).toEqual(['o=x']);
    expect(read('--create', 'x').leftover).toEqual(['--create']);
    expect(read('--create-f', 'x').options).toEqual(['create-file=x']);
  });
  it('reads --no-NAME of a flag', () => {
    expect(read('--no-verbose').options).toEqual(['no-v']);
  });
  it('finds options behind operands, up to --', () => {
    expect(read('x', '-a', '--', '-b')).toMatchObject({ options: ['a'], operands: ['x', '-b'] });
  });
  it('takes a single dash as an operand', () => {
    expect(read('-').operands).toEqual(['-']);
  });
  it('keeps what it does not know as leftover', () => {
    expect(read('-Zx', '--what=1')).toEqual({ options: [], operands: [], leftover: ['-Zx', '--what=1'] });
  });
  it('ends options at the first operand where the grammar says so', () => {
    const strict = compileGrammar({ short: 'a', permute: false });
    expect(readArguments(strict, ['x', '-a']).operands).toEqual(['x', '-a']);
  });
  it('reads long options with one dash where the grammar says so', () => {
    const single = compileGrammar({ short: 'c', long: 'connect=', single_dash: true });
    expect(readArguments(single, ['-connect', 'h:1']).options).toMatchObject([
      { id: 'connect', value: 'h:1' },
    ]);
  });
});
