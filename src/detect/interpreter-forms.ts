/** Network programs that an interpreter carries itself: `python -m http.server`, `php -S`, `ruby -run -ehttpd`. */
import type { Taxonomy } from './taxonomy.ts';
import type { Tool } from './tools/index.ts';

export interface InterpreterForm {
  tool: Tool;
  words: readonly string[];
  what: string;
}

/** The tool that an interpreter's options name, or undefined. */
export function interpreterTool(
  language: string,
  words: readonly string[],
  taxonomy: Taxonomy,
): InterpreterForm | undefined {
  if (language === 'python') return pythonModule(words, taxonomy);
  if (language === 'php') return phpServer(words, taxonomy);
  if (language === 'ruby') return rubyRun(words, taxonomy);
  return undefined;
}

function pythonModule(words: readonly string[], taxonomy: Taxonomy): InterpreterForm | undefined {
  for (let i = 0; i < words.length && i < 16; i++) {
    const word = words[i]!;
    if (!word.startsWith('-') || word === '-') return undefined;
    if (word === '-W' || word === '-X') {
      i++;
      continue;
    }
    const at = /^-[bBdEiIOPqsSuvx]*m/.exec(word);
    if (!at) {
      if (/^-[A-Za-z]*c/.test(word)) return undefined;
      continue;
    }
    const glued = word.slice(at[0].length);
    const module = glued !== '' ? glued : words[i + 1];
    if (module === undefined) return undefined;
    const tool =
      taxonomy.byModule.get(`python:${module}`) ?? taxonomy.byModule.get(`python:${module.split('.')[0]}`);
    return tool && { tool, words: words.slice(glued !== '' ? i + 1 : i + 2), what: `the module ${module}` };
  }
  return undefined;
}

function phpServer(words: readonly string[], taxonomy: Taxonomy): InterpreterForm | undefined {
  const tool = taxonomy.byModule.get('php:-S');
  const at = words.findIndex((word) => word.startsWith('-S'));
  const code = words.findIndex((word) => /^-[rfBRE]/.test(word));
  if (!tool || at < 0 || (code >= 0 && code < at)) return undefined;
  return { tool, words, what: 'its built-in web server' };
}

function rubyRun(words: readonly string[], taxonomy: Taxonomy): InterpreterForm | undefined {
  const tool = taxonomy.byModule.get('ruby:-run');
  const runs = words.some((word) => word === '-run' || word === '-r' || word.startsWith('-run'));
  const serves = words.some((word, i) => word === '-ehttpd' || (word === '-e' && words[i + 1] === 'httpd'));
  return tool && runs && serves ? { tool, words, what: 'its built-in web server' } : undefined;
}
