/** What is below the table: the plot, or runs compared. */

import { closeIcon } from '@jupyterlab/ui-components';
import { ReactElement } from 'react';

import { ComparisonPane } from './compared';
import { useRunsDesk } from './desk';
import { RunsModel } from './model';
import { PlotPane } from './plot';

export function Below(props: { model: RunsModel }): ReactElement | null {
  const { model } = props;
  const { trans } = useRunsDesk();
  const isComparison = model.below === 'comparison' && model.comparison !== null;
  if (model.below === null || (model.below === 'comparison' && !isComparison)) {
    return null;
  }
  const label = isComparison ? trans.__('Comparison') : trans.__('Plot');
  return (
    <section className="jvs-Runs-below" aria-label={label}>
      <button
        className="jvs-Icon jvs-Runs-close"
        aria-label={trans.__('Close %1', label)}
        title={trans.__('Close')}
        onClick={() => model.setBelow(null)}
      >
        <closeIcon.react tag="span" />
      </button>
      {isComparison && model.comparison ? (
        <ComparisonPane comparison={model.comparison} />
      ) : (
        <PlotPane model={model} />
      )}
    </section>
  );
}
