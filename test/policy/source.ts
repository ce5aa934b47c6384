import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** One TypeScript file, taken apart as far as the policies need it. */
export interface Source {
  /** Path below the project's folder, with slashes. */
  file: string;
  text: string;
  /** The text without comments, and with empty strings: what is left are names the code uses. */
  code: string;
  /** Every string literal, template or not. */
  strings: string[];
  /** Every module specifier, also of types and of dynamic imports. */
  imports: string[];
}

// A slash opens a regular expression only where no value can end; comments and strings are taken whole before that.
const TOKENS = new RegExp(
  [
    String.raw`(?<comment>\/\*[\s\S]*?\*\/|\/\/[^\n]*)`,
    String.raw`(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|${"`"}(?:\\[\s\S]|[^${"`"}\\])*${"`"})`,
    String
      .raw`(?<=(?:^|[=(,:;!&|?{}\[\n]|=>|return)[ \t]*)(?<regex>\/(?![*\/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^\/\\\n\[])+\/[a-z]*)`,
  ].join("|"),
  "g",
);

/** Splits the text of one file; exported so that the policies can be tried on made-up files. */
export function parseSource(file: string, text: string): Source {
  const strings: string[] = [];
  const code = text.replace(TOKENS, (token, ...rest) => {
    const groups = rest.at(-1) as { comment?: string; string?: string; regex?: string };
    if (groups.comment !== undefined) return token.includes("\n") ? "\n" : " ";
    if (groups.regex !== undefined) return "/ /";
    strings.push(token.slice(1, -1));
    // What a template interpolates is code and stays visible.
    const inserted = token.startsWith("`") ? [...token.matchAll(/\$\{([^`]*?)\}/g)].map((match) => match[1]) : [];
    return `"${strings.length - 1}"${inserted.length > 0 ? `+(${inserted.join(")+(")})` : ""}`;
  });
  const imports = [...code.matchAll(/\b(?:import|from)\s*\(?\s*"(\d+)"/g)].map((match) => strings[Number(match[1])]);
  return { file, text, code: code.replace(/"\d+"/g, '""'), strings, imports };
}

/** All TypeScript files below some folders, and single files; those that do not exist are left out. */
export function readSources(...places: string[]): Source[] {
  return places.flatMap((place) => {
    const at = path.join(root, place);
    const stat = fs.statSync(at, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    if (stat.isFile()) return [place];
    return (fs.readdirSync(at, { recursive: true }) as string[])
      .map((name) => path.join(place, name).replaceAll("\\", "/"))
      .filter((name) => name.endsWith(".ts"))
      .sort();
  }).map((file) => parseSource(file, fs.readFileSync(path.join(root, file), "utf8")));
}
