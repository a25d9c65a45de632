import type { ChangesetDocuments, CommitResult, DeadLetter, Store } from '../store/store.js';
import type { ChangesetConverter } from './changeset-documents.js';

/**
 * Tries to store a dead letter anew, as a later release or other `--classes` would have stored it in the first place.
 * What still cannot be stored stays where it is.
 *
 * @returns what it came to: `deadLetters` holds what still stands in the way
 */
export async function retryDeadLetter(
  store: Pick<Store, 'retryDeadLetter'>,
  converter: ChangesetConverter,
  letter: DeadLetter,
): Promise<CommitResult> {
  const { changeset, clientVersion, receivedAt } = letter;
  // Whatever its header said, the file's own progress is not at stake here.
  const converted = await converter.convert(
    { clientVersion, originFileIdent: 0n, bytes: changeset },
    receivedAt,
  );
  return store.retryDeadLetter(letter, partOf(letter, converted));
}

/** The letter's own object, or all of the changeset where all of it was set aside. */
function partOf({ place }: DeadLetter, changeset: ChangesetDocuments): ChangesetDocuments {
  if (place === undefined) return changeset;
  return {
    ...changeset,
    documents: changeset.documents.filter((document) => document.place === place),
    // A changeset that cannot be read at all stands in the way of each of its objects.
    rejections: changeset.rejections.filter(
      (rejection) => rejection.place === undefined || rejection.place === place,
    ),
  };
}
