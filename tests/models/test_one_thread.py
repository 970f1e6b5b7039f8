"""One thread inside, as before outside."""

import pytest
import torch

from pawl.models.one_thread import one_thread


@pytest.mark.parametrize("before", [1, 2])
def test_one_thread_inside_and_as_before_outside_even_after_an_error(before: int) -> None:
    was = torch.get_num_threads()
    torch.set_num_threads(before)
    try:
        with pytest.raises(KeyError), one_thread():
            assert torch.get_num_threads() == 1
            raise KeyError
        assert torch.get_num_threads() == before
    finally:
        torch.set_num_threads(was)
