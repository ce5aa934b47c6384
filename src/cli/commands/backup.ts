import type { BackupOptions } from "../backup_args.ts";
import type { Output } from "../output.ts";

/** `aether backup <file>`: copies a store, whether a gateway runs on it or not. @returns the exit code */
export async function backup({ store, file }: BackupOptions, output: Output): Promise<number> {
  // Loaded here, for Node says of SQLite that it is experimental as soon as it is loaded.
  const sqlite = await import("../../runtime/sqlite.ts");
  try {
    const { bytes } = sqlite.backup(store, file);
    output.event("backup", { store, file, bytes });
    output.line(`Copied ${store} to ${output.bold(file)}, ${sizeOf(bytes)}`);
    return 0;
  } catch (error) {
    const { name, message } = error as Error;
    output.error(message);
    return name === "InvalidArgumentError" || name === "NotFoundError" ? 2 : 1;
  }
}

function sizeOf(bytes: number): string {
  const kib = bytes / 1024;
  return kib < 1024 ? `${Math.ceil(kib)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}
