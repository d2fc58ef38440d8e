// Whether everything that users see is documented: all that the entries export, with what it has.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";

import type * as TypeScript from "typescript";

const root = process.cwd();
const ts = createRequire(import.meta.url)(join(root, "node_modules/typescript")) as typeof TypeScript;

for (const entry of ["index", "http", "client", "stack"]) {
  test(`what @larder/kv exports as ${entry} is documented, and so is all that it has`, () => {
    const path = join(root, "dist", `${entry}.d.ts`);
    const program = ts.createProgram([path], { lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"] });
    const checker = program.getTypeChecker();
    const module = checker.getSymbolAtLocation(program.getSourceFile(path)!)!;
    const [missing, seen]: [string[], string[]] = [[], []];
    const look = (symbol: TypeScript.Symbol, name: string) => {
      seen.push(name);
      if (symbol.getDocumentationComment(checker).length === 0) missing.push(name);
    };
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      look(symbol, exported.name);
      for (const declaration of symbol.getDeclarations() ?? []) {
        if (!ts.isInterfaceDeclaration(declaration) && !ts.isClassDeclaration(declaration)) continue;
        for (const member of declaration.members) {
          const isPrivate = ts.getCombinedModifierFlags(member as TypeScript.Declaration) & ts.ModifierFlags.Private;
          const found = member.name && checker.getSymbolAtLocation(member.name);
          if (found && !isPrivate && !ts.isPrivateIdentifier(member.name!)) look(found, `${exported.name}.${found.name}`);
        }
      }
    }
    assert.deepEqual(missing, []);
    assert.ok(seen.length > 5, `it has looked at ${seen.join()}`);
    if (entry === "index") assert.ok(seen.includes("Kv.scanPage") && seen.includes("LarderError.kind"), seen.join());
  });
}
