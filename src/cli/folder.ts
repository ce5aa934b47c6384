import fs from "node:fs";
import path from "node:path";

/** Part of a text file, whole lines wherever possible. */
export interface Piece {
  name: string;
  text: string;
}

/** The text of a folder. */
export interface FolderText {
  files: number;
  bytes: number;
  pieces: Piece[];
  /** Whether there was more than the bounds allow. */
  isCut: boolean;
}

const MAX_FILES = 1000;
/** Half of a payload: the word counts of a piece are JSON, which can take up to twice the room of the text. */
const PIECE_BYTES = 512 * 1024;
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * Reads the *.txt and *.md files of a folder and of those below it, in the order of their names.
 * @returns the text, or why there is none, in words
 */
export function readFolder(folder: string): FolderText | string {
  const stat = fs.statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return `There is no folder "${folder}" (looked in ${path.resolve(folder)})`;
  if (!stat.isDirectory()) return `"${folder}" is a file: --demo takes a folder with text files`;
  const found: FolderText = { files: 0, bytes: 0, pieces: [], isCut: false };
  walk(folder, "", found);
  if (found.files === 0) return `There is no text in "${folder}": --demo counts the words of *.txt and *.md files`;
  return found;
}

function walk(folder: string, below: string, found: FolderText): void {
  const entries = fs.readdirSync(path.join(folder, below), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path.posix.join(below, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules") walk(folder, name, found);
    if (!entry.isFile() || !/\.(?:txt|md)$/i.test(entry.name)) continue;
    const file = path.join(folder, name);
    const { size } = fs.statSync(file);
    if (found.files === MAX_FILES || found.bytes + size > MAX_BYTES) {
      found.isCut = true;
      continue;
    }
    found.files++;
    found.bytes += size;
    const texts = cut(fs.readFileSync(file));
    for (const [index, text] of texts.entries()) {
      found.pieces.push({ name: texts.length > 1 ? `${name} ${index + 1}/${texts.length}` : name, text });
    }
  }
}

/** Cuts UTF-8 text after a line end, else after a blank, else between two characters. */
export function cut(bytes: Uint8Array, limit: number = PIECE_BYTES): string[] {
  const texts: string[] = [];
  const decoder = new TextDecoder();
  for (let from = 0; from < bytes.length || texts.length === 0;) {
    const most = Math.min(bytes.length, from + limit);
    const until = most === bytes.length ? most : endOfPiece(bytes, from, most);
    texts.push(decoder.decode(bytes.subarray(from, until)));
    from = until;
  }
  return texts;
}

function endOfPiece(bytes: Uint8Array, from: number, most: number): number {
  for (const blank of [10, 32]) {
    const at = bytes.lastIndexOf(blank, most - 1);
    if (at >= from) return at + 1;
  }
  let end = most;
  while (end > from + 1 && (bytes[end] & 0xc0) === 0x80) end--;
  return end;
}
