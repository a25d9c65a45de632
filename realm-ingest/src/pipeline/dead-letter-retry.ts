import type { ChangesetDocuments, CommitResult, DeadLetter, Store } from '../store/store.js';
import type { ChangesetConverter } from './changeset-documents.js';

/**
 * Tries to store a dead letter again, for example after an upgrade or with other `--classes`. What still cannot be stored
 * stays a dead letter.
 *
 * @returns `deadLetters` holds the reasons that remain
 */
export async function retryDeadLetter(
  store: Pick<Store, 'retryDeadLetter'>,
  converter: ChangesetConverter,
  letter: DeadLetter,
): Promise<CommitResult> {
  const { changeset, clientVersion, receivedAt } = letter;
  // The ident in the changeset's header does not matter: a retry changes no file's progress.
  const converted = await converter.convert(
    { clientVersion, originFileIdent: 0n, bytes: changeset },
    receivedAt,
  );
  return store.retryDeadLetter(letter, partOf(letter, converted));
}

/** The letter's own object, or the whole changeset if the letter is of all of it. */
function partOf({ place }: DeadLetter, changeset: ChangesetDocuments): ChangesetDocuments {
  if (place === undefined) return changeset;
  return {
    ...changeset,
    documents: changeset.documents.filter((document) => document.place === place),
    // If the changeset cannot be read at all, that concerns each of its objects.
    rejections: changeset.rejections.filter(
      (rejection) => rejection.place === undefined || rejection.place === place,
    ),
  };
}
