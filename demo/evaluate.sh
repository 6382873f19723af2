#!/bin/sh
# evaluate.sh KIND OPTION...: predictions of the test data; from them metrics with errors and slices
set -eu
model=models/tumours.joblib test=data/tumours/test.csv predictions=evals/$1.csv
shift
mkdir -p evals
mvc eval predict $model $test -o "$predictions"
mvc eval score $model --predictions "$predictions" --score score_malignant --positive malignant \
  --slice size --dataset test=$test "$@"
