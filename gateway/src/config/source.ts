/** YAML text into one document, under limits that hold before anything is built from it. */
import { Composer, Lexer, LineCounter, Parser } from 'yaml';
import type { Document, YAMLError } from 'yaml';
import { maskSecrets } from './secrets.ts';
import type { Finding } from './finding.ts';

/** A configuration of 1,000 providers has about 200 KB; a larger document is an attack or the wrong file. */
export const DOCUMENT_MAX_BYTES = 1024 * 1024;
/** Words and marks of the grammar. Parsing takes about 7 microseconds each on errors, so this bounds the time to a second. */
const LEXEMES_MAX = 150_000;
/** The schema is 7 levels deep. The parser of the library recurses, so that depth must be bounded before it. */
export const DEPTH_MAX = 64;
/** The parser's stack holds the document besides the levels. */
const STACK_EXTRA = 1;
/** One scalar: longer than any field may be. The library makes an error object for every bad escape in it. */
const SCALAR_LENGTH_MAX = 64 * 1024;
/** One bad bracket makes hundreds of follow-ups; nobody reads them. */
const SYNTAX_ERRORS_MAX = 20;
const MESSAGE_LENGTH_MAX = 200;

export interface Source {
  readonly document: Document.Parsed | undefined;
  readonly lines: LineCounter;
  readonly findings: readonly Finding[];
}

/** Reads the text as one YAML 1.2 document. With findings, the document cannot be relied on. */
export function readSource(text: string): Source {
  const lines = new LineCounter();
  lines.addNewLine(0);
  if (Buffer.byteLength(text) > DOCUMENT_MAX_BYTES) {
    const message = `The document is larger than ${DOCUMENT_MAX_BYTES} bytes. Is it the right file?`;
    return { document: undefined, lines, findings: [at(0, message)] };
  }
  const lexer = new Lexer();
  const parser = new Parser(lines.addNewLine);
  // Duplicate keys are looked for by the reader of the tree: the library compares each key with all others.
  const composer = new Composer({
    uniqueKeys: false,
    version: '1.2',
    schema: 'core',
    merge: false,
    logLevel: 'silent',
  });
  const documents: Document.Parsed[] = [];
  let lexemes = 0;
  for (const lexeme of lexer.lex(text)) {
    lexemes += 1;
    const before = parser.offset;
    const tokens = lexeme.length > SCALAR_LENGTH_MAX ? [] : [...parser.next(lexeme)];
    const reason = whyTooMuch(lexemes, lexeme.length, parser.stack.length);
    if (reason !== undefined) return { document: undefined, lines, findings: [at(before, reason)] };
    for (const token of tokens) {
      if (token.type === 'directive') {
        return {
          document: undefined,
          lines,
          findings: [at(token.offset, 'Directives (%) are not understood. Remove the line.')],
        };
      }
      documents.push(...composer.next(token));
    }
  }
  for (const token of parser.end()) documents.push(...composer.next(token));
  documents.push(...composer.end(documents.length === 0, text.length));
  return { document: documents[0], lines, findings: findingsOf(documents, text) };
}

function whyTooMuch(lexemes: number, length: number, depth: number): string | undefined {
  if (lexemes > LEXEMES_MAX) return `The document has more than ${LEXEMES_MAX} words and marks. Is it the right file?`;
  if (length > SCALAR_LENGTH_MAX) return `A single value has more than ${SCALAR_LENGTH_MAX} characters.`;
  if (depth > DEPTH_MAX + STACK_EXTRA) return `The document is nested deeper than ${DEPTH_MAX} levels.`;
  return undefined;
}

function findingsOf(documents: readonly Document.Parsed[], text: string): readonly Finding[] {
  const findings: Finding[] = [];
  const linesSeen = new Set<number>();
  for (const error of documents.flatMap((document) => document.errors)) {
    if (findings.length >= SYNTAX_ERRORS_MAX) break;
    // What follows on the same line is mostly the echo of the first.
    const lineStart = text.lastIndexOf('\n', error.pos[0] - 1);
    if (linesSeen.has(lineStart)) continue;
    linesSeen.add(lineStart);
    findings.push({ ...at(error.pos[0], wording(error, text)), end: error.pos[1] });
  }
  const second = documents[1];
  if (second !== undefined && findings.length === 0) {
    const message = 'A second document begins here. Put all of the configuration into one.';
    findings.push(at(second.range[0], message));
  }
  return findings;
}

/** The library's own sentence where it is clear, ours where people ask about it; never a secret out of the text. */
function wording(error: YAMLError, text: string): string {
  if (error.code === 'TAB_AS_INDENT') return 'A tab is used to indent. YAML allows only spaces there.';
  const flowError = error.code === 'UNEXPECTED_TOKEN' || error.code === 'MISSING_CHAR';
  const lineStart = text.lastIndexOf('\n', error.pos[0] - 1) + 1;
  if (flowError && /:\s*\$\{|[[,]\s*\$\{/.test(text.slice(lineStart, error.pos[1]))) {
    return 'A `${…}` inside `{ }` or `[ ]` must be in quotes: "${NAME}".';
  }
  const message = maskSecrets(error.message).slice(0, MESSAGE_LENGTH_MAX);
  return message.endsWith('.') ? message : `${message}.`;
}

function at(offset: number, message: string): Finding {
  return { path: '', offset, end: offset + 1, message, level: 'error' };
}
